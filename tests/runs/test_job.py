"""A run has its folder to itself, is logged there, and ends in words; tried with tasks that do what a test says."""

import errno
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pochoir.cli import main
from pochoir.errors import DataError, StorageError
from pochoir.files import locked, write_bytes

log = logging.getLogger("pochoir.runs.export_seg")
Run = Callable[..., Path]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`pochoir export_seg`, whose work is a test's own; returns the run's folder."""
    monkeypatch.chdir(tmp_path)

    def run(work: Callable[[Any, Path], float | None], *overrides: str) -> Path:
        monkeypatch.setitem(sys.modules, "pochoir.runs.export_seg", SimpleNamespace(run=work))
        words = ["export_seg", "weights=person", "file=a.safetensors", "hydra.run.dir=run", *overrides]
        monkeypatch.setattr(sys, "argv", ["pochoir", *words])
        main()
        return tmp_path / "run"

    return run


def failed(run: Run, work: Callable[[Any, Path], float | None], *overrides: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        run(work, *overrides)
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def test_what_the_terminal_shows_is_in_the_log(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def work(settings: Any, folder: Path) -> None:
        log.info("Writing %s", settings.file)
        logging.getLogger("pochoir.progress").info("half of it is done")

    folder = run(work)
    assert capsys.readouterr() == ("Writing a.safetensors\nhalf of it is done\n", "")
    lines = (folder / "export_seg.log").read_text().splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == ["Writing a.safetensors", "half of it is done"]
    assert (folder / "run.md").is_file()
    assert {path.name for path in folder.iterdir()} == {".hydra", "export_seg.log", "run.md"}


def test_an_error_for_people_is_told_once_and_kept(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def work(settings: Any, folder: Path) -> None:
        raise DataError("a.png: is empty")

    assert failed(run, work) == 2
    assert capsys.readouterr() == ("", "DataError: a.png: is empty\n")
    assert Path("run/export_seg.log").read_text().endswith("DataError: a.png: is empty\n")
    assert "**Not finished.** DataError: a.png: is empty" in Path("run/run.md").read_text()


def test_a_fault_of_the_program_leaves_its_traceback_in_the_log(run: Run) -> None:
    def work(settings: Any, folder: Path) -> None:
        raise ZeroDivisionError("of the program")

    with pytest.raises(ZeroDivisionError):
        run(work)
    assert 'raise ZeroDivisionError("of the program")' in Path("run/export_seg.log").read_text()


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "run/x.png")


@pytest.mark.parametrize("through", ["a writer of the project", "one of a library"])
def test_a_full_disk_is_told_with_what_is_safe(
    through: str, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(settings: Any, folder: Path) -> None:
        write_bytes(folder / "checkpoints" / "last.ckpt", b"good")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", full)
            if through == "one of a library":
                full()
            write_bytes(folder / "checkpoints" / "last.ckpt", b"better")

    assert failed(run, work) == 2
    told = capsys.readouterr().err
    assert told.startswith("StorageError: ")
    assert "cannot be written: the disk is full (/" in told
    assert "GB free" in told
    assert "safe in run are checkpoints/last.ckpt" in told.replace(f"{Path.cwd()}/", "")
    assert Path("run/checkpoints/last.ckpt").read_bytes() == b"good"


def test_a_log_that_cannot_be_written_stops_nothing_and_says_nothing(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(settings: Any, folder: Path) -> None:
        monkeypatch.setattr(logging.FileHandler, "flush", full)
        log.info("still at work")

    run(work)
    assert capsys.readouterr() == ("still at work\n", "")


def test_a_folder_that_cannot_be_written_to_is_told(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.mkdir

    def refuse(path: Any, *rest: Any) -> None:
        if Path(path).name == "run":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        make(path, *rest)

    monkeypatch.setattr(os, "mkdir", refuse)
    assert failed(run, lambda *_: None) == 2
    told = capsys.readouterr().err
    assert told.startswith("StorageError: ")
    assert "run cannot be written: the disk can only be read (/" in told


SLEEPING = """
import sys, time
from types import SimpleNamespace
from pochoir.cli import main
sys.modules["pochoir.runs.export_seg"] = SimpleNamespace(run=lambda *_: (print("at work", flush=True), time.sleep(60)))
sys.argv = ["pochoir", "export_seg", "weights=person", "file=a.safetensors", "hydra.run.dir=run"]
main()
"""


def test_a_folder_takes_one_run_at_a_time_and_is_free_after_a_killed_one(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = subprocess.Popen([sys.executable, "-c", SLEEPING], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "at work\n"
    assert failed(run, lambda *_: None) == 2
    assert "another run is at work in run" in capsys.readouterr().err.replace(f"{tmp_path}/", "")
    other.kill()
    other.communicate()
    run(lambda *_: None)


def test_of_several_processes_the_main_one_tells(run: Run, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    done = []
    with locked(Path("run")):  # by the main one
        run(lambda *_: done.append(log.info("from the second")))
        assert {path.name for path in Path("run").iterdir()} <= {".hydra", ".lock"}
    assert done == [None]
    assert capsys.readouterr().out == ""


def test_a_job_of_a_sweep_never_fails_its_neighbours(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def work(settings: Any, folder: Path) -> float:
        if settings.min_size == 128:
            raise StorageError("full")
        return float(settings.min_size)

    assert failed(run, work, "-m", "min_size=64,128,63", "hydra.sweep.dir=sweep") == 3
    told = capsys.readouterr()
    assert "1 of 3 jobs finished" in told.out
    assert "StorageError: full" in told.err
    assert "min_size: 63 is out of range; allowed is at least 64" in told.err
    assert "full" in Path("sweep/1/export_seg.log").read_text()
    assert "63 is out of range" in Path("sweep/2/run.md").read_text()


def test_a_folder_with_files_of_ones_own_is_left_alone(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("run").mkdir()
    Path("run/result.png").write_text("mine")
    assert failed(run, lambda settings, folder: None) == 2
    assert "holds other files (result.png); choose a new folder, or an empty one" in capsys.readouterr().err
    assert {path.name for path in Path("run").iterdir()} == {".hydra", "result.png"}


def test_a_folder_of_another_task_is_left_alone(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("run").mkdir()
    Path("run/stylize.log").touch()
    assert failed(run, lambda settings, folder: None) == 2
    assert "run holds a run of stylize; choose another folder for export_seg" in capsys.readouterr().err
