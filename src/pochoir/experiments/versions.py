"""Which versions a result comes from."""

import platform
import subprocess
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("torch", "torchvision", "pytorch-lightning", "hydra-core", "omegaconf", "pycocotools", "timm", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python, this project with its commit, and the packages that decide a result."""
    found = {"python": platform.python_version(), "pochoir": version("pochoir")}
    found.update({name: version(name) for name in PACKAGES})
    return {**found, **commit_of(Path(__file__))}


def commit_of(file: Path) -> dict[str, str]:
    """The commit of the repository that holds a file; nothing where no repository does.

    An environment may lie in a repository that knows nothing of it.
    """
    with suppress(OSError, subprocess.CalledProcessError):  # no git on this machine, no repository, or not its file
        _git(file.parent, "ls-files", "--error-unmatch", file.name)
        return {"commit": _git(file.parent, "rev-parse", "HEAD")}
    return {}


def _git(folder: Path, *command: str) -> str:
    return subprocess.run(["git", *command], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
