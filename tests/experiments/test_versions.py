"""The record of a run must not be lost to a machine that lacks something."""

import subprocess
from pathlib import Path

import pytest

from pochoir.experiments.versions import commit_of, versions


def test_versions_name_the_commit_of_the_repository() -> None:
    root = Path(__file__).parents[2]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    if commit.returncode:
        pytest.skip("needs the git repository")
    assert versions()["commit"] == commit.stdout.strip()


def test_versions_need_no_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = versions()
    assert "commit" not in found
    assert found["torch"]


def test_an_environment_within_a_foreign_repository_has_no_commit(tmp_path: Path) -> None:
    def git(*command: str) -> None:
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *command], cwd=tmp_path, check=True)

    for name in ("own.py", "installed.py"):
        (tmp_path / name).touch()
    git("init", "--quiet")
    git("add", "own.py")
    git("commit", "--quiet", "--message=own")
    assert commit_of(tmp_path / "own.py")
    assert commit_of(tmp_path / "installed.py") == {}
