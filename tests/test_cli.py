"""Errors for people end a script with their message alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from pochoir.cli import fail
from pochoir.errors import (
    ConfigError,
    DataError,
    NonFiniteLossError,
    PochoirError,
    SomeInputsFailedError,
    WeightsError,
)

ROOT = Path(__file__).parents[1]
WITHOUT_TORCH = """
import runpy, sys
sys.modules["torch"] = None  # importing it would fail
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize(
    ("kind", "code"),
    [(ConfigError, 2), (DataError, 2), (NonFiniteLossError, 2), (WeightsError, 2), (SomeInputsFailedError, 3)],
)
def test_errors_for_people_become_a_message_and_an_exit_code(
    kind: type[PochoirError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        fail(kind("a.png: is empty"))
    assert exit_.value.code == code
    assert capsys.readouterr() == ("", f"{kind.__name__}: a.png: is empty\n")


@pytest.mark.parametrize(
    "script, overrides, message",
    [
        (
            "train_seg",
            ["optim.lr=abc", "dataset.val=-1"],
            "ConfigError: 2 problems in the settings:\n"
            "  - dataset.val: -1.0 is out of range; allowed is at least 0\n"
            "  - optim.lr: Value 'abc' of type 'str' could not be converted to Float\n",
        ),
        (
            "predict_seg",
            ["ckpt=no_such.ckpt", "input=no_such_folder"],
            "ConfigError: 2 problems in the settings:\n"
            "  - ckpt: 'no_such.ckpt' does not exist\n"
            "  - input: 'no_such_folder' does not exist\n",
        ),
    ],
)
def test_scripts_report_wrong_settings_without_importing_torch(
    script: str, overrides: list[str], message: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, str(ROOT / "scripts" / f"{script}.py"), *overrides]
    done = subprocess.run(
        [*command, f"hydra.run.dir={tmp_path}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)
