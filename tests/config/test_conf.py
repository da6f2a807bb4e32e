"""Every YAML under conf/ composes for its task and has exactly the keys of its model, which itself has no defaults."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hydra import compose, initialize_config_dir
from hydra.types import RunMode
from omegaconf import OmegaConf

from pochoir.config import (
    SCHEMAS,
    DatasetConfig,
    PaintConfig,
    Request,
    SegmenterConfig,
    Settings,
    TrainSegConfig,
    load_config,
)
from pochoir.config.overrides import EXPERIMENT
from pochoir.errors import ConfigError
from pochoir.experiments.records import TRIED_ON

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf"
SHARED = ("base", "hydra")
"""Folders of what other YAMLs include."""
TASK_OF = {"encoder": "stylize", "recipe": "stylize", "region": "partial", "painter": "train_painter"}
"""Tasks of groups; the others are train_seg's."""
OPTIONS = [(path.parent.name, path.stem) for path in sorted(CONF.glob("*/*.yaml")) if path.parent.name not in SHARED]
KNOBS = [path.stem for path in (CONF / EXPERIMENT).glob("stylize/*.yaml") if "/base/knob" in path.read_text()]
EXPERIMENTS = [(path.parent.name, path.stem) for path in sorted((CONF / EXPERIMENT).glob("*/*.yaml"))]
MISSING = {
    "auto": ["dataset.root=."],
    "coco": ["dataset.images=.", "dataset.annotations=."],
    "folder": ["dataset.images=.", "dataset.masks=."],
    "mixture": ["dataset.parts.drawn={name:figures}"],
    "python": ["dataset.source=package.Class"],
    "export_seg": ["weights=person", "file=mine.safetensors"],
    "predict_seg": ["input=."],
    "stylize": ["content=.", "style=."],
    "film": ["content=.", "style=builtin:ink"],
    "own": ["styles=builtin:ink"],
    "train_painter": ["styles=."],
    "export_painter": [f"weights={__file__}", "file=mine.onnx"],
    "partial": [f"content={__file__}", f"style={__file__}", f"masks=[{__file__}]"],
}
"""What cannot have a default; any existing path passes the validation."""


@pytest.fixture(autouse=True)
def _people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files and folders that experiment=person and experiment=people name."""
    for name in ("person", "people"):
        experiment = (CONF / f"experiment/train_seg/{name}.yaml").read_text()
        for path in re.findall(r"POCHOIR_PEOPLE,data/people\}/(\S+)", experiment):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).touch()
    monkeypatch.setenv("POCHOIR_PEOPLE", str(tmp_path))


@pytest.fixture(autouse=True)
def _pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files and folders that experiment=base names."""
    for name in re.findall(r"POCHOIR_PICTURES,data\}/(\S+)", (CONF / "experiment/train_painter/base.yaml").read_text()):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setenv("POCHOIR_PICTURES", str(tmp_path))


def composed(task: str, *overrides: str) -> Any:
    """What the YAMLs say, before it is typed."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.to_container(compose(task, overrides=list(overrides)))


def models(model: type[Settings]) -> Iterator[type[Settings]]:
    yield model
    for child in model.__subclasses__():
        yield from models(child)


def sections(settings: Settings, values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Of every section its name, its model and what the YAMLs say of it."""
    yield prefix, settings, values
    for name, value in settings:
        if isinstance(value, Settings):
            yield from sections(value, values[name], f"{prefix}{name}.")


def assert_sound(task: str, *overrides: str) -> Any:
    """Valid, no knob without its line in a YAML, no line without its knob."""
    request = Request(task, overrides)
    settings = request.check()
    for section, model, values in sections(settings, composed(task, *request.words())):
        assert set(type(model).model_fields) == {str(key) for key in values}, section
    return settings


def test_defaults_stand_in_yaml_alone() -> None:
    found = {(model.__name__, name): field for model in models(Settings) for name, field in model.model_fields.items()}
    assert found
    assert [name for name, field in found.items() if not field.is_required()] == []


def test_every_task_has_its_yaml() -> None:
    assert sorted(path.stem for path in CONF.glob("*.yaml")) == sorted(SCHEMAS)


@pytest.mark.parametrize("task", SCHEMAS)
def test_defaults(task: str) -> None:
    assert_sound(task, *MISSING.get(task, []))


@pytest.mark.parametrize("group, name", OPTIONS)
def test_option(group: str, name: str) -> None:
    task = TASK_OF.get(group, "train_seg")
    settings = assert_sound(task, f"{group}={name}", *MISSING.get(name, []), *MISSING.get(task, []))
    if "name" in type(getattr(settings, group)).model_fields:
        assert getattr(settings, group).name == name


@pytest.mark.parametrize("task, name", EXPERIMENTS)
def test_experiment(task: str, name: str) -> None:
    assert_sound(task, f"experiment={name}", *MISSING.get(name, []))
    other = next(other for other in SCHEMAS if other != task)
    with pytest.raises(ConfigError, match=rf"experiment: {other} has no '{name}' \(it is one of {task}\)"):
        load_config(other, [f"experiment={name}"])


@pytest.mark.parametrize("choice", ["auto", "coco", "folder"])
def test_files_of_ones_own_have_no_default(choice: str) -> None:
    missing = OmegaConf.missing_keys(OmegaConf.create(composed("train_seg", f"dataset={choice}")))
    assert missing == {override.split("=")[0] for override in MISSING[choice]}


@pytest.mark.parametrize("group, union", [("dataset", DatasetConfig), ("segmenter", SegmenterConfig)])
def test_every_kind_has_a_yaml(group: str, union: Any) -> None:
    members = get_args(get_args(union)[0])
    names = [name for model in members for name in get_args(model.model_fields["name"].annotation)]
    assert sorted(names) == [name for option, name in OPTIONS if option == group]


def test_the_default_needs_no_files_and_no_network() -> None:
    settings: TrainSegConfig = load_config("train_seg")
    assert (settings.dataset.name, settings.segmenter.name, settings.segmenter.weights) == (
        "figures",
        "maskrcnn_lite",
        "person",
    )


def test_an_experiment_changes_what_it_says_and_yields_to_the_command_line() -> None:
    settings: Any = load_config("train_seg", ["experiment=demo", "trainer.max_epochs=7"])
    assert (settings.dataset.length, settings.segmenter.min_size, settings.trainer.max_epochs) == (100, 192, 7)
    assert settings.augment.photometric == 0  # set by the primary config, too: the experiment comes after it


def test_the_next_person_segmenter_is_chosen_by_photos_that_todays_never_saw() -> None:
    today, following = (load_config("train_seg", [f"experiment={name}"]) for name in ("person", "people"))
    assert today.dataset.parts.items() <= following.dataset.parts.items()
    assert following.but(dataset=today.dataset) == today


def test_an_experiment_of_ones_own_stands_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nseed: 5\n")
    request = Request("train_seg", ["experiment=mine"], [tmp_path])
    assert request.check().seed == 5
    assert request.words() == ["experiment=mine"]
    assert request.choices()["experiment"] == [*(name for task, name in EXPERIMENTS if task == "train_seg"), "mine"]


def test_hydra_gets_experiments_by_their_place_and_new_keys_as_such() -> None:
    given = ["experiment=demo", "seed=1", "trainer.max_time=00:01:00:00", "trainer.devices=1,2", "hydra.run.dir=a"]
    assert Request("train_seg", given).words() == [
        "experiment=train_seg/demo",
        "seed=1",
        "++trainer.max_time=00:01:00:00",
        "trainer.devices=1,2",
        "hydra.run.dir=a",
    ]
    assert Request("train_seg", ["experiment=demo,train_seg/person"]).words() == [
        "experiment=train_seg/demo,train_seg/person"
    ]


def test_every_argument_of_the_trainer_can_be_given() -> None:
    trainer = load_config("train_seg", ["trainer.max_time=00:01:00:00", "trainer.deterministic=warn"]).trainer
    assert trainer.arguments()["max_time"] == "00:01:00:00"
    assert trainer.arguments()["deterministic"] == "warn"
    assert load_config("train_seg", ["trainer.num_nodes=2"]).trainer.num_nodes == 2


def test_trainers_inherit_from_the_cpus() -> None:
    names = [name for group, name in OPTIONS if group == "trainer"]
    trainers = {name: load_config("train_seg", [f"trainer={name}"]).trainer for name in names}
    assert all(trainer.gradient_clip_val == trainers["cpu"].gradient_clip_val for trainer in trainers.values())
    assert (trainers["gpu"].accelerator, trainers["gpu"].precision) == ("gpu", "16-mixed")
    assert (trainers["ddp"].devices, trainers["ddp"].strategy, trainers["ddp"].precision) == (2, "ddp", "32-true")
    assert (trainers["smoke"].max_epochs, trainers["smoke"].limit_train_batches) == (1, 2)


def test_painting_tasks_share_their_defaults() -> None:
    stylize, partial = load_config("stylize"), load_config("partial")
    for name in set(PaintConfig.model_fields) - {"keep"}:
        assert getattr(stylize, name) == getattr(partial, name), name
    assert dict(partial.keep) == {**dict(stylize.keep), "part": None}


def test_the_place_of_pennfudan_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCHOIR_PENNFUDAN", raising=False)
    assert load_config("train_seg", ["dataset=pennfudan"]).dataset.root == "data/PennFudanPed"
    monkeypatch.setenv("POCHOIR_PENNFUDAN", "elsewhere")
    assert load_config("train_seg", ["dataset=pennfudan"]).dataset.root == "elsewhere"
    mixed = ["dataset=mixture", "dataset.parts.street={name: pennfudan}"]
    assert load_config("train_seg", mixed).dataset.parts["street"].root == "elsewhere"


def test_every_folder_with_code_is_in_the_wheel() -> None:
    (listed,) = re.findall(r"^packages = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE)
    packages = re.findall(r'"([\w.]+)"', listed)
    source = ROOT / "src"
    folders = {path.parent.relative_to(source).as_posix() for path in source.glob("pochoir/**/*.py")}
    assert set(packages) == {folder.replace("/", ".") for folder in folders} | {"pochoir.conf"}


def test_a_logger_that_is_not_installed_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pochoir.config.base.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"logger: mlflow is not installed; pip install '\.\[mlflow\]'"):
        load_config("stylize", ["logger=mlflow"])
    assert load_config("stylize", ["logger=csv"]).logger == "csv"


@pytest.mark.parametrize("name", sorted(KNOBS))
def test_a_knob_is_swept_after_the_pictures_that_it_is_tried_on(name: str) -> None:
    """As base/knob.yaml has them; the command line may have others."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("stylize", [f"experiment=stylize/{name}"], return_hydra_config=True)
        params = dict(config.hydra.sweeper.params)
    assert config.hydra.mode == RunMode.MULTIRUN
    assert list(params)[:2] == ["content", "style"]
    (knob,) = (key for key in params if key not in TRIED_ON)
    assert knob == list(params)[-1]
    assert ("seed" in params) == (knob == "init")
