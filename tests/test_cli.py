"""The command finds its task, completes words, checks settings before anything heavy, and ends with messages."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pochoir import __version__
from pochoir.cli import TASKS, main
from pochoir.config import SCHEMAS
from pochoir.errors import (
    ConfigError,
    DataError,
    NonFiniteLossError,
    PochoirError,
    SomeInputsFailedError,
    StorageError,
    WeightsError,
    fail,
)

ROOT = Path(__file__).parents[1]
WITHOUT_TORCH = """
import runpy, sys
sys.modules["torch"] = None  # importing it would fail
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pochoir(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """The command in this process: its exit code, and what it printed."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pochoir", *words])
        code: Any = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code or 0
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ConfigError, 2),
        (DataError, 2),
        (NonFiniteLossError, 2),
        (StorageError, 2),
        (WeightsError, 2),
        (SomeInputsFailedError, 3),
    ],
)
def test_errors_for_people_become_a_message_and_an_exit_code(
    kind: type[PochoirError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        fail(kind("a.png: is empty"))
    assert exit_.value.code == code
    assert capsys.readouterr() == ("", f"{kind.__name__}: a.png: is empty\n")


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help_lists_the_tasks(words: tuple[str, ...], pochoir: Told) -> None:
    code, told, _ = pochoir(*words)
    assert code == 0
    assert all(f"  {task} " in told for task in TASKS)
    assert set(TASKS) == {*SCHEMAS, "compare"}


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"{sys.executable} -m pochoir film --help | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("pochoir film")
    assert done.stderr == ""


def test_version(pochoir: Told) -> None:
    assert pochoir("--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize(("word", "advice"), [("nonsense", ""), ("stlyize", "; did you mean 'stylize'?")])
def test_a_task_that_there_is_not(word: str, advice: str, pochoir: Told) -> None:
    code, told, problem = pochoir(word, "content=a.jpg")
    assert (code, told) == (2, "")
    assert problem == f"ConfigError: '{word}' is no task; there are {', '.join(TASKS)}{advice}\n"


def test_settings_and_their_defaults_are_shown(pochoir: Told) -> None:
    code, told, _ = pochoir("train_seg", "--cfg", "job", "experiment=demo", "trainer.max_steps=3")
    assert code == 0
    assert "  length: 100\n" in told
    assert "  max_steps: 3\n" in told
    assert "hydra:" not in told
    assert pochoir("predict_seg", "--cfg", "job")[1].startswith("weights: person\ninput: ???\n")
    code, told, _ = pochoir("stylize", "--help", "recipe=quick")
    assert code == 0
    assert "  recipe       default, fine, finish, gatys2015, next, quick\n" in told
    assert "sweep_layers" in told
    assert "  coarsest: 128\n" in told
    assert "segmenter" not in told.partition("Settings")[0]  # another task's


def test_what_hydra_refuses_is_a_message(pochoir: Told) -> None:
    assert pochoir("stylize", "--cfg", "job", "~nope") == (
        2,
        "",
        "ConfigError: Could not delete from config. 'nope' does not exist.\n",
    )


@pytest.mark.parametrize(
    ("line", "choices"),
    [
        ("pochoir", set(TASKS)),
        ("pochoir sty", {"stylize"}),
        (
            "pochoir stylize recipe=",
            {f"recipe={name}" for name in ("default", "fine", "finish", "gatys2015", "next", "quick")},
        ),
        ("pochoir train_seg -m optim=", {"optim=adamw", "optim=sgd"}),
        ("pochoir train_seg optim.lr=1 see", {"seed="}),
        ("pochoir partial experiment=", {"experiment=portrait"}),
        ("pochoir compare out", set()),
    ],
)
def test_tasks_and_settings_are_completed(
    line: str, choices: set[str], pochoir: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    code, told, _ = pochoir("-sc", "query=bash")
    assert (code, set(told.split())) == (0, choices)


def test_completion_is_installed_for_the_command(pochoir: Told) -> None:
    assert pochoir("-sc", "install=bash")[1].endswith("-F hydra_bash_completion pochoir\n")


def test_a_task_gets_its_settings_and_further_processes_the_whole_command(
    pochoir: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options may stand between overrides; experiments may be one's own."""
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\ntrainer:\n  max_steps: 3\n")
    seen: dict[str, Any] = {}
    work = SimpleNamespace(run=lambda settings, folder: seen.update(settings=settings, argv=list(sys.argv)))
    monkeypatch.setitem(sys.modules, "pochoir.runs.train_seg", work)
    monkeypatch.chdir(tmp_path)
    mixture = ["dataset=mixture", "dataset.parts.drawn={name: figures}"]  # composes within Hydra's own run
    words = ["train_seg", "experiment=mine", "--config-dir", ".", "trainer.max_time=00:01:00:00", "seed=3", *mixture]
    assert pochoir(*words) == (0, "", "")
    assert seen["argv"] == ["pochoir", *words]
    assert seen["settings"].seed == 3
    assert seen["settings"].trainer.arguments().items() >= {"max_steps": 3, "max_time": "00:01:00:00"}.items()
    (folder,) = (tmp_path / "outputs" / "train_seg").iterdir()
    assert {path.name for path in folder.iterdir()} == {".hydra", "run.md", "train_seg.log"}


def test_compare_says_how_it_is_called(pochoir: Told) -> None:
    code, _, problem = pochoir("compare")
    assert code == 2
    assert problem.startswith("usage: pochoir compare ")


@pytest.mark.parametrize(
    "script, overrides, message",
    [
        (
            "train_seg",
            ["optim.lr=abc", "dataset.val=-1"],
            "ConfigError: 2 problems in the settings:\n"
            "  - dataset.val: -1 is out of range; allowed is at least 0\n"
            "  - optim.lr: 'abc' is no number\n",
        ),
        (
            "predict_seg",
            ["weights=no_such.ckpt", "input=no_such_folder"],
            "ConfigError: 2 problems in the settings:\n"
            "  - weights: 'no_such.ckpt' is no file; networks that come with the project: person\n"
            "  - input: 'no_such_folder' does not exist\n",
        ),
    ],
)
def test_scripts_report_wrong_settings_without_importing_torch(
    script: str, overrides: list[str], message: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, str(ROOT / "scripts" / f"{script}.py"), *overrides]
    done = subprocess.run([*command, "hydra.run.dir=run"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
    assert list(tmp_path.iterdir()) == []


def test_every_task_has_its_script_and_python_finds_the_command(tmp_path: Path) -> None:
    assert {path.stem for path in (ROOT / "scripts").glob("*.py")} == set(TASKS)
    command = [sys.executable, "-m", "pochoir", "stlyize"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "did you mean 'stylize'?" in done.stderr
