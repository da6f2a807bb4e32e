"""What is wrong with settings is said at once, with the key, the value and what is allowed."""

import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from pochoir.config import CocoDataset, ExportSegConfig, FiguresDataset, MixtureDataset, TrainSegConfig
from pochoir.config.validation import validate
from pochoir.errors import ConfigError

NAMES = {"dataset": {"name": "figures"}, "segmenter": {"name": "maskrcnn_lite"}}
COCO = ("dataset.name=coco", "dataset.images=.", "dataset.annotations=.")


def settings(*overrides: str) -> DictConfig:
    config = OmegaConf.create(NAMES)
    for override in overrides:
        key, value = override.split("=", 1)
        parsed = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={value}"]))
        OmegaConf.update(config, key, parsed["value"], merge=False)
    return config


def validated(*overrides: str) -> TrainSegConfig:
    return validate(settings(*overrides), TrainSegConfig)


def problems(*overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        validated(*overrides)
    headline, *lines = str(caught.value).splitlines()
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    assert headline == f"{count} in the settings:"
    assert all(line.startswith("  - ") for line in lines)
    return [line.removeprefix("  - ") for line in lines]


def test_defaults_are_valid() -> None:
    assert validated() == TrainSegConfig(dataset=FiguresDataset())


def test_values_arrive_typed(tmp_path: Path) -> None:
    config = validated(
        *COCO, "dataset.categories=[person, 7]", "optim.lr=1", f"ckpt={tmp_path}", "trainer.limit_val_batches=3"
    )
    assert isinstance(config.dataset, CocoDataset)
    assert config.dataset.categories == ["person", "7"]
    assert isinstance(config.optim.lr, float)  # an int is a float to people
    assert config.optim.lr == 1
    assert config.ckpt == str(tmp_path)
    assert config.trainer.limit_val_batches == 3


@pytest.mark.parametrize("key", ["ckpt", "dataset.split_file", "trainer.limit_train_batches"])
def test_null_is_a_value_where_it_is_the_default(key: str) -> None:
    assert validated(f"{key}=null") == validated()


@pytest.mark.parametrize(
    "override, problem",
    [
        ("sede=1", "sede: unknown setting; did you mean 'seed'?"),
        ("optim.lrr=1", "optim.lrr: unknown setting; did you mean 'optim.lr'?"),
        ("dataset.root=data", "dataset.root: unknown setting"),  # of another kind
        ("trainer.xyzzy=1", "trainer.xyzzy: unknown setting"),
        ("ckpt=???", "ckpt: missing; give it as ckpt=…"),
        ("optim.lr=abc", "optim.lr: Value 'abc' of type 'str' could not be converted to Float"),
        ("optim.lr=true", "optim.lr: Value 'True' of type 'bool' could not be converted to Float"),
        ("optim.lr=null", "optim.lr: Incompatible value 'None' for field of type 'float'"),
        ("seed=1.5", "seed: Value '1.5' of type 'float' could not be converted to Integer"),
        ("seed={a: 1}", "seed: Value '{'a': 1}' of type 'DictConfig' could not be converted to Integer"),
        ("seed=${nope}", "seed: Interpolation key 'nope' not found"),
        ("optim.lr=20", "optim.lr: 20.0 is out of range; allowed is between 1e-08 and 10"),
        ("optim.lr=0", "optim.lr: 0.0 is out of range; allowed is between 1e-08 and 10"),
        ("optim.lr=.nan", "optim.lr: nan is no finite number; allowed is between 1e-08 and 10"),
        ("dataset.val=.inf", "dataset.val: inf is no finite number; allowed is at least 0"),
        (
            "trainer.ema_decay=0.9999999",
            "trainer.ema_decay: 0.9999999 is out of range; allowed is between 0 and 0.99999",
        ),
        ("trainer.devices=0", "trainer.devices: 0 is out of range; allowed is at least 1"),
        ("optim.name=adam", "optim.name: 'adam' is not one of adamw, sgd; did you mean 'adamw'?"),
        ("trainer.precision=8", "trainer.precision: '8' is not one of 32-true, 16-mixed, bf16-mixed"),
        ("ckpt=no/such.ckpt", "ckpt: 'no/such.ckpt' does not exist"),
        ("ckpt=''", "ckpt: is empty; give a path, or null for none"),
        ("dataset.val=2.5", "dataset.val: 2.5 is neither a share below 1 nor a whole number"),
        (
            "trainer.limit_train_batches=1.5",
            "trainer.limit_train_batches: 1.5 is neither a share below 1 nor a whole number",
        ),
        ("dataset.split_file=no.json", "dataset.split_file: 'no.json' does not exist"),
        ("augment=3", "augment: 3 is no group of settings; give its settings as augment.<setting>=…"),
        ("dataset=7", "dataset: 7 is no group of settings; allowed: pennfudan, coco, folder, figures, mixture"),
        ("dataset=null", "dataset: None is no group of settings; allowed: pennfudan, coco, folder, figures, mixture"),
        ("dataset=${nope}", "dataset: Interpolation key 'nope' not found"),
        (
            "dataset.name=figure",
            "dataset.name: 'figure' is unknown; allowed: pennfudan, coco, folder, figures, mixture"
            "; did you mean 'figures'?",
        ),
        ("dataset={}", "dataset.name: None is unknown; allowed: pennfudan, coco, folder, figures, mixture"),
        ("augment.scale_min=3", "augment.scale_min: 3 is larger than scale_max, 1"),
        (
            "augment.copy_paste_scale_max=0.5",
            "augment.copy_paste_scale_min: 1 is larger than copy_paste_scale_max, 0.5",
        ),
        ("segmenter.min_size=1300", "segmenter.min_size: 1300 is larger than max_size, 1280"),
        (
            "segmenter.weights=coco",
            "segmenter.weights: 'coco' is neither a checkpoint file nor one of person, imagenet, none "
            "(of maskrcnn_lite)",
        ),
    ],
)
def test_one_problem(override: str, problem: str) -> None:
    assert problems(override) == [problem]


@pytest.mark.parametrize(
    "overrides, problem",
    [
        (
            ("dataset.val_annotations=.", "dataset.split_file=."),
            "dataset.val_annotations: excludes split_file, as both choose the validation photos",
        ),
        (("dataset.val_images=.",), "dataset.val_images: needs val_annotations, the JSON of these photos"),
    ],
)
def test_settings_of_coco_that_exclude_each_other(overrides: tuple[str, ...], problem: str) -> None:
    assert problems(*COCO, *overrides) == [problem]


MIXTURE = ("dataset={name: mixture, parts: {drawn: {name: figures}, mine: {name: figures, length: 9}}}",)


def test_the_parts_of_a_mixture_are_datasets_of_their_kinds() -> None:
    mixture = validated(*MIXTURE, "dataset.weights={drawn: 1, mine: 2}").dataset
    assert isinstance(mixture, MixtureDataset)
    assert mixture.parts == {"drawn": FiguresDataset(), "mine": FiguresDataset(length=9)}
    assert mixture.weights == {"drawn": 1.0, "mine": 2.0}


@pytest.mark.parametrize(
    "override, problem",
    [
        ("dataset.parts={}", "dataset.parts: is empty; a mixture has at least one dataset"),
        ("dataset.parts.mine.length=0", "dataset.parts.mine.length: 0 is out of range; allowed is at least 2"),
        (
            "dataset.parts.mine.lenght=3",
            "dataset.parts.mine.lenght: unknown setting; did you mean 'dataset.parts.mine.length'?",
        ),
        (
            "dataset.parts.mine=3",
            "dataset.parts.mine: 3 is no group of settings; allowed: pennfudan, coco, folder, figures",
        ),
        (
            "dataset.parts.mine.name=mixture",
            "dataset.parts.mine.name: 'mixture' is unknown; allowed: pennfudan, coco, folder, figures",
        ),
        (
            "dataset.parts.more={name: folder, images: ., masks: nowhere}",
            "dataset.parts.more.masks: 'nowhere' does not exist",
        ),
        (
            "dataset.parts.mine.batch_size=4",
            "dataset.parts.mine.batch_size: is one for all parts; give it as dataset.batch_size=…",
        ),
        ("dataset.parts.a/b={name: figures}", "dataset.parts: 'a/b' is no name of letters, digits, _ and -"),
        ("dataset.weights={drawn: 1}", "dataset.weights: are of drawn; the parts are drawn, mine"),
        ("dataset.weights={drawn: 1, mine: -1}", "dataset.weights: {'mine': -1.0} are no numbers from 0 on"),
        ("dataset.weights={drawn: 1, mine: .nan}", "dataset.weights: {'mine': nan} are no numbers from 0 on"),
        ("dataset.weights={drawn: 0, mine: 0}", "dataset.weights: are all zero"),
        ("dataset.epoch_length=0", "dataset.epoch_length: 0 is out of range; allowed is at least 1"),
    ],
)
def test_one_problem_of_a_mixture(override: str, problem: str) -> None:
    assert problems(*MIXTURE, override) == [problem]


def test_all_problems_are_listed_at_once() -> None:
    """Also those of values beside a wrong one, and of a section beside one that cannot be read."""
    found = problems(
        "sede=1",
        "dataset.name=folder",
        "dataset.images=no_such_folder",
        "dataset.val=-1",
        "augment.flip=2",
        "augment.scale_min=3",
        "segmenter.name=maskrcn_lite",
        "optim.lr=abc",
        "optim.schedule=cosin",
        "ckpt=no/such.ckpt",
        "shown=101",
    )
    assert found == [
        "sede: unknown setting; did you mean 'seed'?",
        "dataset.val: -1.0 is out of range; allowed is at least 0",
        "dataset.images: 'no_such_folder' does not exist",
        "dataset.masks: missing; give it as dataset.masks=…",
        "augment.flip: 2.0 is out of range; allowed is between 0 and 1",
        "augment.scale_min: 3 is larger than scale_max, 1",
        "segmenter.name: 'maskrcn_lite' is unknown; allowed: maskrcnn_lite, maskrcnn_resnet50, maskrcnn_resnet50_v2"
        "; did you mean 'maskrcnn_lite'?",
        "optim.lr: Value 'abc' of type 'str' could not be converted to Float",
        "optim.schedule: 'cosin' is not one of cosine, linear, multistep, constant; did you mean 'cosine'?",
        "ckpt: 'no/such.ckpt' does not exist",
        "shown: 101 is out of range; allowed is between 0 and 100",
    ]


def test_what_has_no_default_is_missed_though_no_key_names_it() -> None:
    with pytest.raises(ConfigError, match=r"ckpt: missing; give it as ckpt=…\n  - file: missing"):
        validate(OmegaConf.create({}), ExportSegConfig)


def test_a_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "last.ckpt").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert validated("ckpt=~/last.ckpt", "segmenter.weights=~/last.ckpt").ckpt == "~/last.ckpt"


def test_settings_are_checked_before_torch_is_imported() -> None:
    code = "import sys, pochoir.cli, pochoir.config, pochoir.config.validation; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
