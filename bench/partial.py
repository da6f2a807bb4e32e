"""Partial style transfer: region-aware painting beside style-then-paste, and what it costs by the object's size.

    python bench/partial.py --photos a.jpg b.jpg --masks a.png b.png --style painting.jpg

Every photo is painted by `method=paste`, by `method=region`, and by `method=region` with as many more evaluations as
fit into paste's time, with equal brush strokes. One float32 referee measures the style error inside the object on the
saved picture, at the photo's scale. Then discs of growing area are painted on the first photo at equal settings, and
their seconds compared with the whole photo's. Prints tables; writes outputs/bench/partial.json, the curve beside it in
partial.png, and the pictures in partial/.
"""

import argparse
import platform
import shutil
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from rich.table import Table

from console import console
from pochoir.composition.crops import crop_around
from pochoir.config import PartialConfig, load_config
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.images import read_labels, read_rgb, to_tensor, write_image
from pochoir.process import prepare_process
from pochoir.runs.partial import partial
from pochoir.stylization.encoder import Encoder, build_encoder
from pochoir.stylization.scoring import scores
from pochoir.stylization.subject import Subject

SHARES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7)
"""Of the photo, for the curve of costs."""


def settings(photo: Path, mask: Path, style: Path, size: int) -> PartialConfig:
    """The defaults of `pochoir partial`, without pictures on the way."""
    quiet = ["milestones=0", "trainer.enable_progress_bar=false", "encoder.precision=float32"]
    config: PartialConfig = load_config("partial", [f"size={size}", *quiet])
    return config.but(content=str(photo), style=str(style), masks=[str(mask)])


def run(config: PartialConfig, folder: Path, encoder: Encoder) -> dict[str, Any]:
    """One picture: seconds of painting alone, evaluations, and the referee's errors inside the stencil."""
    shutil.rmtree(folder, ignore_errors=True)
    metrics = partial(config, folder)
    saved, alpha = read_rgb(folder / "result.png"), read_labels(folder / "alpha.png")
    photo = read_rgb(Path(config.content or ""))
    subject = Subject(
        to_tensor(photo)[None],
        [to_tensor(read_rgb(Path(config.style or "")))[None]],
        [1.0],
        1.0,
        torch.from_numpy(alpha.astype(np.float32) / 255)[None, None],
    )
    size = (saved.shape[0], saved.shape[1])
    whole = replace(subject, region=None).at(size)
    judged = replace(whole, region=subject.region)
    return {
        "seconds": sum(region["seconds"] for region in metrics["regions"]),
        "evaluations": sum(region["evaluations"] for region in metrics["regions"]),
        "leaked_pixels": metrics["leak"]["changed_pixels"],
        **scores(to_tensor(saved)[None], encoder, judged, config.encoder),
    }


def compared(photo: Path, mask: Path, style: Path, size: int, folder: Path, encoder: Encoder) -> dict[str, Any]:
    """Paste, region, and region at paste's time, with strokes of one size in the photo."""
    config = settings(photo, mask, style, size)
    paste = run(config.but(method="paste"), folder / "paste", encoder)
    alpha = read_labels(folder / "paste" / "alpha.png").astype(np.float32) / 255
    crop = crop_around(alpha, config.region.margin)
    scale = (alpha.size / (crop.size[0] * crop.size[1])) ** 0.5  # styles are scaled to what is painted
    config = config.but(style_scale=scale)
    region = run(config, folder / "region", encoder)
    more = max(1.0, paste["seconds"] / region["seconds"])
    longer = config.recipe.but(steps=[round(count * more) for count in config.recipe.steps])
    equal = run(config.but(recipe=longer), folder / "equal", encoder)
    return {"area": float(alpha.mean()), "paste": paste, "region": region, "region, paste's time": equal}


def cost_curve(photo: Path, style: Path, size: int, encoder: Encoder) -> list[dict[str, float]]:
    """Seconds by the share of the photo that an ellipse of its aspect covers; the last one is all of it."""
    height, width = read_rgb(photo).shape[:2]
    y, x = np.mgrid[:height, :width]
    distance = ((y - height / 2) / height) ** 2 + ((x - width / 2) / width) ** 2
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for share in (*SHARES, 1.0):
            mask = distance <= (share / np.pi if share < 1 else np.inf)
            write_image(folder / "mask.png", mask.astype(np.uint8) * 255)
            result = run(settings(photo, folder / "mask.png", style, size), folder / "run", encoder)
            found.append({"share": float(mask.mean()), "seconds": result["seconds"]})
    return [{**point, "of_whole": point["seconds"] / found[-1]["seconds"]} for point in found]


def show(pictures: dict[str, Any], costs: list[dict[str, float]]) -> None:
    table = Table("photo", "object", "method", "seconds", "evaluations", "style error", "content error", "of paste's")
    for name, rows in pictures.items():
        for method in ("paste", "region", "region, paste's time"):
            row = rows[method]
            ratio = rows["paste"]["style_error"] / row["style_error"]
            numbers = f"{row['seconds']:.1f}", str(row["evaluations"]), f"{row['style_error']:.4f}"
            table.add_row(
                name, f"{rows['area']:.0%}", method, *numbers, f"{row['content_error']:.3f}", f"1/{ratio:.1f}"
            )
    console.print(table)
    curve = Table("object's share of the photo", "seconds", "of the whole photo's")
    for point in costs:
        curve.add_row(f"{point['share']:.0%}", f"{point['seconds']:.1f}", f"{point['of_whole']:.0%}")
    console.print(curve)


def draw(costs: list[dict[str, float]], path: Path) -> None:
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([point["share"] for point in costs], [point["of_whole"] for point in costs], "o-")
    axes.plot([0, 1], [0, 1], ":", color="gray")
    axes.set(xlabel="object's share of the photo", ylabel="seconds, of the whole photo's", xlim=(0, 1), ylim=(0, None))
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--masks", type=Path, nargs="+", required=True, help="one a photo")
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--size", type=int, default=512, help="long side in pixels")
    parser.add_argument("--output", type=Path, default=Path("outputs/bench/partial.json"))
    given = parser.parse_args()
    if len(given.photos) != len(given.masks):
        parser.error(f"{len(given.photos)} photos and {len(given.masks)} masks; give one mask a photo")
    prepare_process()
    encoder = build_encoder(load_config("partial").encoder)
    pictures = {}
    for photo, mask in zip(given.photos, given.masks, strict=True):
        folder = given.output.with_suffix("") / photo.stem
        pictures[photo.stem] = compared(photo, mask, given.style, given.size, folder, encoder)
    costs = cost_curve(given.photos[0], given.style, given.size, encoder)
    machine = {"machine": platform.machine(), "threads": torch.get_num_threads(), "date": str(date.today())}
    write_json(given.output, {"pictures": pictures, "costs": costs, **machine, "versions": versions()})
    draw(costs, given.output.with_suffix(".png"))
    show(pictures, costs)


if __name__ == "__main__":
    main()
