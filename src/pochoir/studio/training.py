"""Trainings: the command as a process of its own, followed by what it leaves in its folder."""

import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pochoir.config.overrides import written
from pochoir.errors import ConfigError
from pochoir.experiments.records import pictures_of
from pochoir.files import read_json
from pochoir.studio.jobs import Job
from pochoir.studio.safety import within
from pochoir.studio.work import settings_of

LENGTHS = {
    "smoke": ("Does it run? One epoch of two batches", ("trainer=smoke",)),
    "short": ("Some minutes: small photos, a first look", ("experiment=short",)),
    "default": ("As pochoir train_seg trains: half an hour or more on a laptop", ()),
}
"""How long is trained: what a person reads, and settings."""
LAST_SECONDS = 30
"""How long a process that was asked to end may take before it is ended."""
LOOK_SECONDS = 0.3
SHOWN = ("predictions/sheet.png", "predictions/worst.png", "predictions/measures.png", "samples.png")
LOSS = re.compile(r"^train/(loss\w*)$")
MEASURED = ("val/mask_ap", "val/box_ap", "val/mask_ap50")
ABOUT = re.compile(r"about ([\d:]+) left")


@dataclass
class Training:
    """One that goes on or is over, as its folder tells."""

    overrides: tuple[str, ...]
    folder: Path
    checks: bool = False
    lines: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """The command that trains it, or goes on with it, without the program's name."""
        return ["train_seg", *self.overrides, written("hydra.run.dir", str(self.folder))]

    @property
    def command(self) -> str:
        """The same as a line for a shell."""
        return f"pochoir {shlex.join(self.words)}"

    @property
    def weights(self) -> Path | None:
        """What people are found by: see `weights_of`."""
        return weights_of(self.folder)

    @property
    def pictures(self) -> list[Path]:
        """What it has drawn so far, the most telling first."""
        return pictures_of(self.folder, ("check_data*.png", *SHOWN))

    @property
    def metrics(self) -> dict[str, Any]:
        return read_json(self.folder / "metrics.json") or {}

    def log(self, letters: int = 8000) -> str:
        """The end of its log, without the times."""
        path = self.folder / "train_seg.log"
        if not path.is_file():
            return ""
        lines = path.read_text(encoding="utf-8", errors="replace")[-letters:].splitlines()
        return "\n".join(re.sub(r"^\d{4}-\d\d-\d\d [\d:,]+ ", "", line) for line in lines)

    def time_left(self) -> str:
        """As the last line says it that does."""
        told = ABOUT.findall(self.log(2000))
        return told[-1] if told else ""


def weights_of(folder: Path) -> Path | None:
    """The best weights of a training, the last where nothing was measured yet; None: there are none."""
    paths = (folder / "checkpoints" / name for name in ("best.ckpt", "last.ckpt"))
    return next((path for path in paths if path.is_file()), None)


def dataset_of(place: str, folders: list[Path]) -> list[str]:
    """The settings of a dataset that a person points to: a folder, or an annotation file (COCO) beside its photos.

    Raises `DataError` for what may not be read.
    """
    if not place.strip():
        raise ConfigError("First comes a folder with annotated photos, or a COCO JSON.")
    path = within(place, folders)
    if path.is_dir():
        return ["dataset=auto", written("dataset.root", str(path))]
    if path.suffix.lower() != ".json":
        raise ConfigError(
            f"{place}: is no annotation file; give a COCO JSON, or the folder with photos and annotations"
        )
    images = next((path.parent / name for name in ("images", "photos") if (path.parent / name).is_dir()), path.parent)
    return ["dataset=coco", written("dataset.annotations", str(path)), written("dataset.images", str(images))]


def planned(dataset: Sequence[str], outputs: Path, length: str = "default", *, check: bool = False) -> Training:
    """A training, or the check of its data, in a new folder; its settings are checked first, all at once.

    Raises `ConfigError`.
    """
    overrides = [*dataset, *LENGTHS[length][1], *(["check_data=true"] if check else [])]
    settings_of("train_seg", overrides)
    folder = outputs / "train_seg" / f"{datetime.now():%Y-%m-%d_%H-%M-%S}{'_check' if check else ''}"
    return Training(tuple(overrides), folder, checks=check)


def train(training: Training, job: Job) -> Training:
    """Run it in a process of its own until it ends or the job is stopped, which keeps a checkpoint.

    Raises `ConfigError` with what the process says where it fails.
    """
    words = [sys.executable, "-m", "pochoir", *training.words, "trainer.enable_progress_bar=false"]
    with tempfile.TemporaryFile("w+") as said:
        # a session of its own: Ctrl-C of the studio is not for it, which is asked to end once, as by Stop
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True) as process:
            try:
                _waited(process, job)
            finally:
                if process.poll() is None:
                    process.kill()
        said.seek(0)
        told = said.read()
    if process.returncode and not job.is_stopped:
        raise ConfigError(error_in(told) or f"the training ended with {process.returncode}")
    return training


def error_in(told: str) -> str:
    """The last error that a program has told, with all its lines; empty where there is none."""
    begun = [match.end() for match in re.finditer(r"^\w*Error: ", told, re.MULTILINE)]
    return told[begun[-1] :].strip() if begun else ""


def _waited(process: "subprocess.Popen[bytes]", job: Job) -> None:
    asked = 0.0
    while process.poll() is None:
        time.sleep(LOOK_SECONDS)
        if job.is_stopped and not asked:
            process.terminate()  # as Ctrl-C, which what a shell starts in the background does not hear
            asked = time.monotonic()
        elif asked and time.monotonic() - asked > LAST_SECONDS:
            process.terminate()  # the second time nothing is waited for, such as a validation
            process.wait()


Curves = dict[str, list[tuple[int, float]]]
"""By name, (step, value)."""


def curves(folder: Path) -> Curves:
    """Losses and APs that a training has logged for TensorBoard so far."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found: Curves = {}
    for file in sorted(folder.glob("events.out.tfevents.*")):
        events = EventAccumulator(str(file), size_guidance={"scalars": 500, "images": 1, "tensors": 1})
        events.Reload()
        for tag in events.Tags()["scalars"]:
            if LOSS.match(tag) or tag in MEASURED:
                found.setdefault(tag, []).extend((event.step, event.value) for event in events.Scalars(tag))
    return found
