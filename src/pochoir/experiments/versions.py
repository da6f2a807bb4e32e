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
    with suppress(OSError, subprocess.CalledProcessError):  # no git on this machine, or installed without a repository
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
        found["commit"] = commit.stdout.strip()
    return found
