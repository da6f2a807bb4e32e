"""Every YAML under conf/ composes, validates and has exactly the keys of its dataclass."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from pochoir.config import (
    KINDS,
    EvalSegConfig,
    ExportSegConfig,
    PaintConfig,
    PartialConfig,
    PredictSegConfig,
    StylizeConfig,
    TrainSegConfig,
)
from pochoir.config.validation import validate

CONF = Path(__file__).parents[2] / "conf"
PRIMARIES: dict[str, type] = {
    "train_seg": TrainSegConfig,
    "eval_seg": EvalSegConfig,
    "export_seg": ExportSegConfig,
    "predict_seg": PredictSegConfig,
    "partial": PartialConfig,
    "stylize": StylizeConfig,
}
OPTIONS = {
    "dataset": ["coco", "figures", "folder", "mixture", "pennfudan"],
    "encoder": ["vgg16", "vgg19"],
    "experiment": [
        "demo",
        "optimize_recipe",
        "optimize_segmenter",
        "person",
        "portrait",
        "sweep_layers",
        "sweep_segmenter_lr",
        "sweep_style_weights",
    ],
    "optim": ["adamw", "sgd"],
    "recipe": ["default", "fine", "gatys2015", "quick"],
    "region": ["background", "object"],
    "segmenter": ["maskrcnn_lite", "maskrcnn_resnet50", "maskrcnn_resnet50_v2"],
    "trainer": ["cpu", "ddp", "gpu", "smoke"],
}
"""Options of all groups; a new YAML belongs here."""
PRIMARY_OF = {
    "encoder": "stylize",
    "recipe": "stylize",
    "region": "partial",
    "experiment=portrait": "partial",
    "experiment=optimize_recipe": "stylize",
    "experiment=sweep_layers": "stylize",
    "experiment=sweep_style_weights": "stylize",
}
"""Scripts of groups; the others are train_seg's."""
CHOICES = [f"{group}={name}" for group, names in OPTIONS.items() for name in names]
MISSING = {
    "dataset=coco": ["dataset.images=.", "dataset.annotations=."],
    "dataset=folder": ["dataset.images=.", "dataset.masks=."],
    "dataset=mixture": ["+dataset.parts.drawn={name:figures}"],
    "export_seg": ["ckpt=.", "file=mine.safetensors"],
    "predict_seg": ["input=."],
    "stylize": ["content=.", "style=."],
    "partial": ["content=README.md", "style=README.md", "masks=[README.md]"],
}
"""What cannot have a default; any existing path passes the validation."""


@pytest.fixture(autouse=True, scope="module")
def _hydra() -> Iterator[None]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield


def pairs(node: Any, value: Any, prefix: str = "") -> Iterator[tuple[str, set[str], set[str]]]:
    """Of every section its name, the keys in the YAML and the fields of the dataclass."""
    yield prefix, {str(key) for key in node}, {spec.name for spec in fields(value)}
    for spec in fields(value):
        child = getattr(value, spec.name)
        if is_dataclass(child):
            yield from pairs(node[spec.name], child, f"{prefix}{spec.name}.")


def assert_sound(config: DictConfig, schema: type) -> Any:
    """Valid, no knob without its line in a YAML, no line without its knob."""
    settings = validate(config, schema)
    for section, keys, names in pairs(config, settings):
        assert keys == names, section
    return settings


def test_every_yaml_is_tested() -> None:
    found = {path.relative_to(CONF).with_suffix("").as_posix() for path in CONF.rglob("*") if path.is_file()}
    tested = {choice.replace("=", "/") for choice in CHOICES} | set(PRIMARIES)
    assert found == tested
    assert len(found) == 36


@pytest.fixture(autouse=True)
def _people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that experiment=person names."""
    for part, files in (("coco_person", "instances.json"), ("ccp_person", "masks"), ("human_seg", "masks")):
        (tmp_path / part / "images").mkdir(parents=True)
        (tmp_path / part / files).touch()
    monkeypatch.setenv("POCHOIR_PEOPLE", str(tmp_path))


@pytest.mark.parametrize("name", PRIMARIES)
def test_primary(name: str) -> None:
    assert_sound(compose(name, overrides=MISSING.get(name, [])), PRIMARIES[name])


@pytest.mark.parametrize("choice", CHOICES)
def test_option(choice: str) -> None:
    group, name = choice.split("=")
    primary = PRIMARY_OF.get(choice) or PRIMARY_OF.get(group, "train_seg")
    overrides = [choice, *MISSING.get(choice, []), *(MISSING.get(primary, []) if group != "experiment" else [])]
    settings = assert_sound(compose(primary, overrides=overrides), PRIMARIES[primary])
    if group in ("dataset", "segmenter", "optim", "encoder", "region"):
        assert getattr(settings, group).name == name


@pytest.mark.parametrize("choice", ["dataset=coco", "dataset=folder"])
def test_files_of_ones_own_have_no_default(choice: str) -> None:
    missing = OmegaConf.missing_keys(compose("train_seg", overrides=[choice]))
    assert missing == {override.split("=")[0] for override in MISSING[choice]}


def test_every_kind_has_a_yaml() -> None:
    assert {group: sorted(kinds) for group, kinds in KINDS.items()} == {group: OPTIONS[group] for group in KINDS}


def test_the_default_needs_no_files_and_no_network() -> None:
    settings = validate(compose("train_seg"), TrainSegConfig)
    assert (settings.dataset.name, settings.segmenter.name, settings.segmenter.weights) == (
        "figures",
        "maskrcnn_lite",
        "person",
    )


def test_an_experiment_changes_what_it_says_and_yields_to_the_command_line() -> None:
    config = compose("train_seg", overrides=["experiment=demo", "trainer.max_epochs=7"])
    settings = validate(config, TrainSegConfig)
    assert (settings.dataset.length, settings.segmenter.min_size, settings.trainer.max_epochs) == (100, 192, 7)
    assert settings.augment.photometric == 0  # set by the primary config, too: the experiment comes after it


def test_trainers_inherit_from_the_cpus() -> None:
    trainers = {name: compose("train_seg", overrides=[f"trainer={name}"]).trainer for name in OPTIONS["trainer"]}
    assert all(trainer.gradient_clip == trainers["cpu"].gradient_clip for trainer in trainers.values())
    assert (trainers["gpu"].accelerator, trainers["gpu"].precision) == ("gpu", "16-mixed")
    assert (trainers["ddp"].devices, trainers["ddp"].strategy, trainers["ddp"].precision) == (2, "ddp", "32-true")
    assert (trainers["smoke"].max_epochs, trainers["smoke"].limit_train_batches) == (1, 2)


def test_painting_scripts_share_their_defaults() -> None:
    stylize, partial = (
        validate(compose(name, overrides=MISSING[name]), PRIMARIES[name]) for name in ("stylize", "partial")
    )
    for spec in fields(PaintConfig):
        assert getattr(stylize, spec.name) == getattr(partial, spec.name), spec.name


def test_the_place_of_pennfudan_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    overrides = ["dataset=pennfudan"]
    monkeypatch.delenv("POCHOIR_PENNFUDAN", raising=False)
    assert validate(compose("train_seg", overrides=overrides), TrainSegConfig).dataset.root == "data/PennFudanPed"
    monkeypatch.setenv("POCHOIR_PENNFUDAN", "elsewhere")
    assert validate(compose("train_seg", overrides=overrides), TrainSegConfig).dataset.root == "elsewhere"
    mixed = ["dataset=mixture", "+dataset.parts.street={name: pennfudan}"]
    assert validate(compose("train_seg", overrides=mixed), TrainSegConfig).dataset.parts["street"].root == "elsewhere"
