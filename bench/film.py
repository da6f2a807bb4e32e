"""Films: how much they flicker, how well and how steadily objects are cut out, and how fast.

    python bench/film.py --clips a b --style strokes [--set method=optimize …]

A clip is a folder with frames/ and, for J and numbers, masks/, pictures of equal names; a mask numbers its objects, as
DAVIS has them.
Every clip is painted as `pochoir film` does, and once more with each frame by itself (temporal.keep=0 and
track.smooth=0; by optimising, `recipe` for every frame, temporal.weight=0, temporal.fresh=1). One run, one after the
other. Prints and writes outputs/bench/film.json:

E_warp   of the film itself, of the painted one, of frames painted one by one, inside the painted one's stencil, and
         their ratios to the film's: the sum of squared differences between a frame and the one before, moved to it by
         optical flow, in [0, 1] and as means over the channels, over pixels that are not occluded, weighted by alpha,
         divided by their weight; the mean over frames (Lai et al. 2018). The flow is the one that is painted by.
J        the mean over frames of the intersection over union of the stencil (alpha ≥ .5) with those true objects that it
         is to show: those that the stencil of the first frame covers half of, and what is joined to them (a rider's
         bicycle is left out where it is an object of its own); not told where it covers half of none.
steady   the mean change of J from frame to frame, of the stencil and of the segmenter on single frames.
numbers  of how many numbers was, in some frame, the one that overlaps these true objects most.
seconds  a frame, by part of the work.
"""

import argparse
import platform
import shutil
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from console import console
from pochoir.config import FilmConfig, load_config
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.film.clips import open_clip
from pochoir.film.encoding import ALPHA
from pochoir.film.filming import doubting_segmenter
from pochoir.film.following import Follower
from pochoir.film.motion import motion_between, warping_error
from pochoir.film.stencils import Stencils
from pochoir.film.tracking import SOLID
from pochoir.film.watch import Watch
from pochoir.images import read_labels
from pochoir.process import prepare_process
from pochoir.runs.film import film


def alone(config: FilmConfig) -> FilmConfig:
    """The same with every frame by itself."""
    return config.but(
        temporal=config.temporal.but(keep=0.0, weight=0.0, fresh=1.0),
        track=config.track.but(smooth=0.0),
        next_recipe=config.recipe,
    )


def painted(config: FilmConfig, folder: Path) -> dict[str, Any]:
    shutil.rmtree(folder, ignore_errors=True)
    return film(config, folder)


def flicker(clip: Path, films: Sequence[Path], stencil: Path) -> list[float]:
    """E_warp of a clip and of films of it, all inside one stencil."""
    rate = Fraction(24)
    readers = [open_clip(path, rate).frames() for path in (clip, *films, stencil)]
    errors: list[list[float]] = [[] for _ in (clip, *films)]
    before: list[np.ndarray] | None = None
    for frames in zip(*readers, strict=False):
        pixels = [frame.pixels for frame in frames]
        if before is not None:
            motion = motion_between(before[0], pixels[0])
            alpha = pixels[-1][..., 0].astype(np.float32) / 255
            for number in range(len(errors)):
                total, weight = warping_error(pixels[number], before[number], motion, alpha)
                if weight:
                    errors[number].append(total / weight)
        before = pixels
    return [float(np.mean(values)) for values in errors]


def wanted(truth: Sequence[np.ndarray], first: np.ndarray) -> list[int]:
    """Numbers of the true objects that a stencil covers half of in the first frame."""
    numbers = [int(number) for number in np.unique(truth[0]) if number]
    return [number for number in numbers if (first & (truth[0] == number)).sum() >= 0.5 * (truth[0] == number).sum()]


def agreement(stencils: Sequence[np.ndarray], truth: Sequence[np.ndarray], objects: Sequence[int]) -> list[float]:
    """Intersection over union, frame by frame, of those in which the objects are."""
    found = []
    for stencil, labels in zip(stencils, truth, strict=False):
        true = np.isin(labels, objects)
        if true.any():
            found.append(float((stencil & true).sum() / (stencil | true).sum()))
    return found


def followed(config: FilmConfig, clip: Path, truth: Sequence[np.ndarray]) -> dict[str, Any]:
    """The masks of the objects that are to be shown: followed through the clip, and found in each frame by itself."""
    segmenter = doubting_segmenter(config)
    stencils, single, numbers = Stencils(config), [], []
    shown: list[np.ndarray] = []
    objects: list[int] = []
    scenes = Follower(config, segmenter).scenes(open_clip(clip, Fraction(24)).frames(), Watch())
    for scene, labels in zip(scenes, truth, strict=False):
        frame = scene.frame
        size = (frame.pixels.shape[0], frame.pixels.shape[1])
        alpha = stencils.of(scene).alpha(size) >= SOLID
        if scene.motion is None:
            objects = wanted(truth, alpha)
        true = np.isin(labels, objects)
        present = {number: track.solid for number, track in scene.objects.items()}
        near = {number: (solid & true).sum() for number, solid in present.items()}
        own = [solid for number, solid in present.items() if near[number] > 0.5 * solid.sum()]
        shown.append(np.logical_or.reduce([np.zeros(size, bool), *own]) & alpha)
        if near and true.any():
            numbers.append(max(near, key=lambda number: near[number]))
        instances = segmenter(frame.pixels).above(config.find.score_threshold)
        masks = (instances.masks >= config.region.mask_threshold).numpy()
        found = [mask for mask in masks if (mask & true).sum() > 0.5 * mask.sum()]
        single.append(np.logical_or.reduce([np.zeros(size, bool), *found]))
    if not objects:
        return {"objects": objects}
    follows, alone_ = agreement(shown, truth, objects), agreement(single, truth, objects)
    return {
        "objects": objects,
        "j": float(np.mean(follows)),
        "j_single": float(np.mean(alone_)),
        "change": float(np.abs(np.diff(follows)).mean()),
        "change_single": float(np.abs(np.diff(alone_)).mean()),
        "numbers": len(set(numbers)),
    }


def measured(clip: Path, config: FilmConfig, folder: Path) -> dict[str, Any]:
    frames = clip / "frames"
    masks = sorted((clip / "masks").iterdir()) if (clip / "masks").is_dir() else []
    config = config.but(content=str(frames))
    follows, single = painted(config, folder / clip.name), painted(alone(config), folder / f"{clip.name}_alone")
    films = [folder / name / f"result{config.suffix}" for name in (clip.name, f"{clip.name}_alone")]
    own, held, free = flicker(frames, films, folder / clip.name / ALPHA)
    return {
        "clip": clip.name,
        "size": follows["size"],
        "e_warp": {"film": own, "painted": held, "alone": free},
        "frames_per_second": follows["frames_per_second"],
        "frames_per_second_alone": single["frames_per_second"],
        "seconds": follows["seconds_per_frame"],
        "objects_painted": follows["objects"],
        **(followed(config, frames, [read_labels(path) for path in masks]) if masks else {}),
    }


def show(rows: Sequence[dict[str, Any]]) -> None:
    table = Table()
    names = ("clip", "film", "painted/film", "alone/film", "J", "J single", "change", "single", "numbers", "frames/s")
    for name in names:
        table.add_column(name, no_wrap=True)
    for row in rows:
        errors = row["e_warp"]
        table.add_row(
            *(row["clip"], f"{errors['film']:.5f}"),
            *(f"{errors[name] / errors['film']:.2f}" for name in ("painted", "alone")),
            *(f"{row[name]:.3f}" if name in row else "-" for name in ("j", "j_single", "change", "change_single")),
            *(str(row.get("numbers", "-")), f"{row['frames_per_second']:.2f}"),
        )
    console.print(table)
    parts = list(dict.fromkeys(part for row in rows for part in row["seconds"]))
    means = {part: float(np.mean([row["seconds"].get(part, 0) for row in rows])) for part in parts}
    console.print("seconds a frame: " + ", ".join(f"{part} {seconds:.3f}" for part, seconds in means.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", nargs="+", type=Path, required=True)
    parser.add_argument("--style", default="strokes")
    parser.add_argument("--set", nargs="*", default=[], help="settings of pochoir film")
    parser.add_argument("--out", type=Path, default=Path("outputs/bench/film"))
    arguments = parser.parse_args()
    prepare_process()
    quiet = ["suffix=.mkv", "trainer.enable_progress_bar=false"]
    config: FilmConfig = load_config("film", [f"style={arguments.style}", *quiet, *arguments.set])
    rows = []
    for clip in arguments.clips:
        rows.append(measured(clip, config, arguments.out))
        show(rows)
        told = {"date": date.today().isoformat(), "machine": platform.processor(), "settings": arguments.set}
        write_json(arguments.out.with_suffix(".json"), {**told, "rows": rows, "versions": versions()})


if __name__ == "__main__":
    main()
