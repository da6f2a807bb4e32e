"""What is wrong with settings is said at once, with the key, the value and what is allowed."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pochoir.config import CocoDataset, FiguresDataset, MixtureDataset, Request, TrainSegConfig, load_config
from pochoir.errors import ConfigError

FILE = __file__
COCO = ("dataset=coco", "dataset.images=.", "dataset.annotations=.")
PICTURES = (f"content={FILE}", f"style={FILE}")
KINDS = "pennfudan, coco, folder, auto, figures, python"


def problems(*overrides: str, task: str = "train_seg", multirun: bool = False) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Request(task, overrides, multirun=multirun).check()
    headline, *lines = str(caught.value).splitlines()
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    assert headline == f"{count} in the settings:"
    assert all(line.startswith("  - ") for line in lines)
    return [line.removeprefix("  - ") for line in lines]


def test_values_arrive_typed(tmp_path: Path) -> None:
    config: TrainSegConfig = load_config(
        "train_seg",
        [*COCO, "dataset.categories=[person, 7]", "optim.lr=1", f"resume={tmp_path}", "trainer.limit_val_batches=3"],
    )
    assert isinstance(config.dataset, CocoDataset)
    assert config.dataset.categories == ["person", "7"]
    assert isinstance(config.optim.lr, float)  # an int is a float to people
    assert config.optim.lr == 1
    assert config.resume == str(tmp_path)
    assert config.trainer.limit_val_batches == 3


@pytest.mark.parametrize("key", ["resume", "dataset.split_file", "trainer.limit_train_batches"])
def test_null_is_a_value_where_it_is_the_default(key: str) -> None:
    assert load_config("train_seg", [f"{key}=null"]) == load_config("train_seg")


def test_a_changed_copy_is_checked_as_the_original_was() -> None:
    optim = load_config("train_seg").optim
    assert optim.but(lr=1.0) == load_config("train_seg", ["optim.lr=1"]).optim
    with pytest.raises(ConfigError, match=r"lr: 20 is out of range; allowed is at most 10\n  - lrr: unknown setting"):
        optim.but(lr=20, lrr=1)
    with pytest.raises(ValueError, match="frozen"):
        optim.lr = 1.0


@pytest.mark.parametrize(
    "override, problem",
    [
        ("sede=1", "sede: unknown setting; did you mean 'seed'?"),
        ("optim.lrr=1", "optim.lrr: unknown setting; did you mean 'optim.lr'?"),
        ("dataset.root=data", "dataset.root: unknown setting"),  # of another kind
        ("trainer.xyzzy=1", "trainer.xyzzy: unknown setting"),
        ("trainer.max_epoch=1", "trainer.max_epoch: unknown setting; did you mean 'trainer.max_epochs'?"),
        (
            "trainer.logger=false",
            "trainer.logger: cannot be given, as it is chosen by logger=tensorboard, csv, wandb or mlflow",
        ),
        ("optim.lr=???", "optim.lr: missing; give it as optim.lr=…"),
        ("~optim.lr", "optim.lr: missing; give it as optim.lr=…"),
        ("optim.lr=abc", "optim.lr: 'abc' is no number"),
        ("optim.lr=true", "optim.lr: True is no number"),
        ("optim.lr=null", "optim.lr: None is no number"),
        ("seed=1.5", "seed: 1.5 is no whole number"),
        ("seed={a: 1}", "seed: {'a': 1} is no whole number"),
        ("seed=${nope}", "seed: Interpolation key 'nope' not found"),
        ("check_data=3", "check_data: 3 is neither true nor false"),
        ("dataset.exclude=1.5", "dataset.exclude: 1.5 is no list; give it as dataset.exclude=[1.5]"),
        ("optim.lr=20", "optim.lr: 20 is out of range; allowed is at most 10"),
        ("optim.lr=0", "optim.lr: 0 is out of range; allowed is at least 1e-08"),
        ("optim.lr=nan", "optim.lr: nan is no finite number"),
        ("dataset.val=inf", "dataset.val: inf is no finite number"),
        ("ema_decay=0.9999999", "ema_decay: 0.9999999 is out of range; allowed is at most 0.99999"),
        ("trainer.devices=0", "trainer.devices: 0 is out of range; allowed is at least 1"),
        ("optim.name=adam", "optim.name: 'adam' is not one of adamw, sgd; did you mean 'adamw'?"),
        ("trainer.precision=8", "trainer.precision: 8 is not one of 32-true, 16-mixed, bf16-mixed"),
        ("resume=no/such.ckpt", "resume: 'no/such.ckpt' does not exist"),
        ("resume='{a}.ckpt'", "resume: '{a}.ckpt' does not exist"),
        ("resume=''", "resume: is empty; give a path, or null for none"),
        ("dataset.val=2.5", "dataset.val: 2.5 is neither a share below 1 nor a whole number"),
        (
            "trainer.limit_train_batches=1.5",
            "trainer.limit_train_batches: 1.5 is neither a share below 1 nor a whole number",
        ),
        ("dataset.split_file=no.json", "dataset.split_file: 'no.json' does not exist"),
        ("augment=3", "augment: 3 is no group of settings; give its settings as augment.<setting>=…"),
        ("dataset=7", "dataset: 7 is unknown; allowed: auto, coco, figures, folder, mixture, pennfudan, python"),
        ("dataset=null", "dataset: None is unknown; allowed: auto, coco, figures, folder, mixture, pennfudan, python"),
        ("~dataset", "dataset: missing; give it as dataset=…"),
        ("optim=sdg", "optim: 'sdg' is unknown; allowed: adamw, sgd; did you mean 'sgd'?"),
        (
            "recipe=quick",
            "recipe: train_seg has no such group; there are experiment, trainer, optim, segmenter, dataset",
        ),
        (
            "dataset.name=figure",
            f"dataset.name: 'figure' is unknown; allowed: {KINDS}, mixture; did you mean 'figures'?",
        ),
        ("augment.scale_min=3", "augment.scale_min: 3 is larger than scale_max, 1.3"),
        (
            "augment.copy_paste_scale_max=0.5",
            "augment.copy_paste_scale_min: 0.8 is larger than copy_paste_scale_max, 0.5",
        ),
        ("segmenter.min_size=1300", "segmenter.min_size: 1300 is larger than max_size, 1280"),
        (
            "segmenter.weights=coco",
            "segmenter.weights: 'coco' is neither a checkpoint file nor one of person, imagenet, none",
        ),
        ("+seed=3", "Could not append to config. An item is already at 'seed'."),
        ("abc", "'abc' is no setting; settings are given as <key>=<value>"),
    ],
)
def test_one_problem(override: str, problem: str) -> None:
    assert problems(override) == [problem]


@pytest.mark.parametrize(
    "name",
    ["it's.ckpt", "photo (1).jpg", "epoch=3.ckpt", "~/photo.jpg", "a#1.jpg", 'a "b".jpg', "größe\u0308.jpg", "a\\b&c"],
)
def test_what_hydra_cannot_read_is_text(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "photo.jpg").touch()
    (tmp_path / name.removeprefix("~/")).touch()
    monkeypatch.chdir(tmp_path)
    assert load_config("stylize", [f"content={name}"]).content == name
    assert load_config("stylize", [f"styles=[{name}, photo.jpg]"]).styles == [name, "photo.jpg"]
    assert Request("stylize", [f"content={name}", "size=64"]).words()[1] == "size=64"


@pytest.mark.parametrize("value", ["[64", "'it's.jpg'", "[a,[b]c]", "{a:1"])
def test_what_may_be_meant_otherwise_is_told_as_the_shell_takes_it(value: str) -> None:
    (problem,) = problems(f"resume={value}")
    key, _, told = problem.partition(": ")
    assert key == "resume"
    assert told.startswith(f"{value} cannot be read; a text with quotes, brackets or commas in it is given as ")
    (word,) = shlex.split(told.rpartition(" given as ")[2])
    text = value.strip("'")
    assert problems(word) == [f"resume: '{text}' does not exist"]


def test_a_setting_of_another_task_is_said_to_be_one(tmp_path: Path) -> None:
    assert problems(f"content={FILE}", f"style={FILE}", "region.choose=best", task="stylize") == [
        "region: unknown setting of stylize; it is one of partial, film"
    ]


def test_several_values_without_a_multirun_are_told_what_they_could_be(tmp_path: Path) -> None:
    assert problems("content=a.jpg,b.jpg", f"style={FILE}", task="stylize") == [
        "content: a.jpg,b.jpg are several values: a text with commas wants quotes, \"content='a.jpg,b.jpg'\", a list "
        "of them, where one is taken, brackets, and a sweep the option -m",
    ]
    assert problems(f"content=[{FILE}]", f"style={FILE}", task="stylize") == [
        f"content: ['{FILE}'] are several; one file or folder is taken"
    ]


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


MIXTURE = ("dataset=mixture", "dataset.parts={drawn: {name: figures}, mine: {name: figures, length: 9}}")


def test_the_parts_of_a_mixture_are_datasets_of_their_kinds() -> None:
    mixture = load_config("train_seg", [*MIXTURE, "dataset.weights={drawn: 1, mine: 2}"]).dataset
    assert isinstance(mixture, MixtureDataset)
    figures: FiguresDataset = load_config("train_seg", ["dataset=figures"]).dataset
    assert mixture.parts == {"drawn": figures, "mine": figures.but(length=9)}
    assert mixture.weights == {"drawn": 1.0, "mine": 2.0}


def test_a_part_has_the_defaults_of_its_kind() -> None:
    mixture = load_config("train_seg", ["dataset=mixture", "dataset.parts.street={name: pennfudan}"]).dataset
    assert mixture.parts["street"] == load_config("train_seg", ["dataset=pennfudan"]).dataset
    assert mixture.parts["street"].val == 50


@pytest.mark.parametrize(
    "override, problem",
    [
        ("dataset.parts.mine.length=0", "dataset.parts.mine.length: 0 is out of range; allowed is at least 2"),
        (
            "dataset.parts.mine.lenght=3",
            "dataset.parts.mine.lenght: unknown setting; did you mean 'dataset.parts.mine.length'?",
        ),
        ("dataset.parts.mine=3", f"dataset.parts.mine: 3 is no group of settings; allowed: {KINDS}"),
        ("dataset.parts.mine.name=mixture", f"dataset.parts.mine.name: 'mixture' is unknown; allowed: {KINDS}"),
        (
            "dataset.parts.more={name: folder, images: ., masks: nowhere}",
            "dataset.parts.more.masks: 'nowhere' does not exist",
        ),
        (
            "dataset.parts.mine.batch_size=4",
            "dataset.parts.mine.batch_size: unknown setting; it is called loader.batch_size now",
        ),
        ("dataset.parts={a/b: {name: figures}}", "dataset.parts: 'a/b' is no name of letters, digits, _ and -"),
        ("dataset.weights={drawn: 1}", "dataset.weights: are of drawn; the parts are drawn, mine"),
        ("dataset.weights={drawn: 1, mine: -1}", "dataset.weights.mine: -1 is out of range; allowed is at least 0"),
        ("dataset.weights={drawn: 1, mine: nan}", "dataset.weights.mine: nan is no finite number"),
        ("dataset.weights={drawn: 0, mine: 0}", "dataset.weights: are all zero"),
        ("dataset.epoch_length=0", "dataset.epoch_length: 0 is out of range; allowed is at least 1"),
    ],
)
def test_one_problem_of_a_mixture(override: str, problem: str) -> None:
    assert problems(*MIXTURE, override) == [problem]


def test_a_mixture_has_parts() -> None:
    assert problems("dataset=mixture") == ["dataset.parts: is empty; a mixture has at least one dataset"]


def test_all_problems_are_listed_at_once() -> None:
    """Also those of values beside a wrong one, and of a section beside one that cannot be read."""
    found = problems(
        "sede=1",
        "dataset=folder",
        "dataset.images=no_such_folder",
        "dataset.val=-1",
        "augment.flip=2",
        "augment.scale_min=3",
        "segmenter.name=maskrcn_lite",
        "optim.lr=abc",
        "optim.schedule=cosin",
        "resume=no/such.ckpt",
        "trainer=quik",
        "trainer.devices=0",
        "trainer.max_epoch=3",
        "shown=101",
    )
    assert found == [
        "trainer: 'quik' is unknown; allowed: cpu, ddp, gpu, smoke",
        "dataset.val: -1 is out of range; allowed is at least 0",
        "dataset.images: 'no_such_folder' does not exist",
        "dataset.masks: missing; give it as dataset.masks=…",
        "augment.flip: 2 is out of range; allowed is at most 1",
        "segmenter.name: 'maskrcn_lite' is unknown; allowed: maskrcnn_lite, maskrcnn_resnet50, maskrcnn_resnet50_v2"
        "; did you mean 'maskrcnn_lite'?",
        "optim.lr: 'abc' is no number",
        "optim.schedule: 'cosin' is not one of cosine, linear, multistep, constant; did you mean 'cosine'?",
        "trainer.devices: 0 is out of range; allowed is at least 1",
        "resume: 'no/such.ckpt' does not exist",
        "shown: 101 is out of range; allowed is at most 100",
        "sede: unknown setting; did you mean 'seed'?",
        "trainer.max_epoch: unknown setting; did you mean 'trainer.max_epochs'?",
        "augment.scale_min: 3 is larger than scale_max, 1.3",
    ]


def test_the_commonest_typos_come_in_one_message() -> None:
    assert problems("recipe.lrr=1", "seed=abc", "recipe=quik", *PICTURES, task="stylize") == [
        "recipe: 'quik' is unknown; allowed: default, fine, finish, gatys2015, next, quick; did you mean 'quick'?",
        "recipe.lrr: unknown setting; did you mean 'recipe.lr'?",
        "seed: 'abc' is no whole number",
    ]


def test_a_wrong_kind_is_not_judged_by_the_settings_of_another() -> None:
    assert problems("dataset=fodler", "dataset.masks=.") == [
        "dataset: 'fodler' is unknown; allowed: auto, coco, figures, folder, mixture, pennfudan, python"
        "; did you mean 'folder'?"
    ]


@pytest.mark.parametrize(
    "task, old, new",
    [
        ("train_seg", "ckpt", "resume"),
        ("train_seg", "dataset.batch_size", "loader.batch_size"),
        ("train_seg", "trainer.gradient_clip", "trainer.gradient_clip_val"),
        ("train_seg", "trainer.ema_decay", "ema_decay"),
        ("predict_seg", "ckpt", "weights"),
        ("stylize", "trainer.progress_bar", "trainer.enable_progress_bar"),
        ("stylize", "trainer.precision", "encoder.precision"),
        ("partial", "region.min_score", "find.score_threshold"),
    ],
)
def test_old_spellings_tell_the_new_one(task: str, old: str, new: str) -> None:
    given = {"train_seg": (), "predict_seg": ("input=.",)}.get(task, PICTURES)
    (told,) = [problem for problem in problems(f"{old}=1", *given, task=task) if problem.startswith(f"{old}:")]
    assert told == f"{old}: unknown setting; it is called {new} now"


def test_a_section_that_was_renamed_tells_where_its_settings_are() -> None:
    assert problems("segmenter.ckpt=a.ckpt", *PICTURES, task="partial") == [
        "segmenter: unknown setting; it is called find, with find.weights and find.score_threshold, now"
    ]


def test_a_network_that_comes_with_the_project_has_a_bare_name() -> None:
    old = problems("weights=builtin:person", "input=.", task="predict_seg")
    assert old == ["weights: 'builtin:person' is now called 'person'"]
    assert problems("weights=persn", "input=.", task="predict_seg") == [
        "weights: 'persn' is no file; networks that come with the project: person; did you mean 'person'?"
    ]


def test_a_multirun_is_judged_by_its_keys_and_by_what_it_does_not_vary() -> None:
    """Values of one job may be wrong: the others go on."""
    Request("train_seg", ["optim.lr=abc,0.1", "trainer.max_steps=1,2"], multirun=True).check()
    Request("train_seg", ["dataset=coco,coco", *COCO[1:]], multirun=True).check()
    assert problems("optim.lrr=1,2", "ckpt=a,b", "optim=adamw,sdg", "seed=x", multirun=True) == [
        "optim: 'sdg' is unknown; allowed: adamw, sgd; did you mean 'sgd'?",
        "optim.lrr: unknown setting; did you mean 'optim.lr'?",
        "seed: 'x' is no whole number",
        "ckpt: unknown setting; it is called resume now",
    ]


def test_what_has_no_default_is_missed() -> None:
    assert problems(task="export_seg") == ["weights: missing; give it as weights=…", "file: missing; give it as file=…"]


def test_what_is_painted_is_missed_by_the_command_and_an_argument_in_python() -> None:
    assert load_config("stylize").content is None
    assert problems(task="stylize") == [
        "content: missing; give it as content=<picture or folder>",
        "style: missing; give either style=<picture or folder> or styles=[<picture>,…]",
    ]


def test_a_task_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match=r"'stlyize' is no task with settings; .*; did you mean 'stylize'"):
        load_config("stlyize")


def test_a_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "last.ckpt").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load_config("train_seg", ["resume='~/last.ckpt'", "segmenter.weights='~/last.ckpt'"])
    assert (config.resume, config.segmenter.weights) == ("~/last.ckpt", "~/last.ckpt")


def test_settings_are_checked_before_torch_is_imported(tmp_path: Path) -> None:
    """Nor is anything written, pictures that come with the project included."""
    code = """
import sys, pochoir.cli
from pochoir.config import Request, load_config
Request("partial", ["content=builtin:portrait", "style=builtin:ink", "find.weights=person"]).check()
load_config("train_seg", ["trainer.max_time=00:01:00:00"])
print("torch" in sys.modules)
"""
    environment = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert list(tmp_path.iterdir()) == []
