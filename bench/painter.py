"""A painter by the referee: every held-out photo in every style, as saved, and how long painting one takes.

python bench/painter.py <painter.safetensors or best.ckpt> experiment=base

What follows the file are the settings that it was trained with: they tell styles, photos, and which are held out. The
errors are those of `pochoir stylize`, float32 on 8-bit pictures of 341×512; of each style the mean over the photos, and
at the end the median over the styles. `--csv` keeps every one.
"""

import argparse
import csv
import statistics
import time
from pathlib import Path

import torch

from pochoir.config import TrainPainterConfig, load_config
from pochoir.data.crops import PhotoFiles, WholePhotos, held_out, measured_area
from pochoir.images import to_pixels, to_tensor
from pochoir.runs.train_painter import styles_of
from pochoir.stylization.job import encoder_of
from pochoir.stylization.painters.at_once import look_of, paint_at_once
from pochoir.stylization.painters.objective import PainterObjective, errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("painter")
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    settings: TrainPainterConfig = load_config("train_painter", arguments.settings)
    photos = PhotoFiles(settings.content or [])
    val = held_out(photos.names, settings.photos.val, settings.seed)[1]
    whole = WholePhotos(photos, val, settings.photos.size)
    styles = styles_of(settings.styles or {})
    referee = PainterObjective(
        encoder_of(settings.encoder),
        [to_tensor(style.filled)[None] for style in styles.values()],
        settings.encoder.but(content_layer_weights=None, style_layer_weights=None),
        settings.loss.but(
            content_weight=1.0, style_weight=1.0, tv_weight=0.0, style_loss="gram", consistency_weight=0.0
        ),
        area=measured_area(settings.photos.size) * settings.loss.style_scale**2,
    )
    rows = []
    seconds = []
    for place, index in enumerate(val):
        photo = whole[place][None]
        contents = referee.contents(photo)
        for number, name in enumerate(styles):
            started = time.perf_counter()
            pixels = to_pixels(paint_at_once(photo, look_of(arguments.painter, [name], [1.0]))[0])
            seconds.append(time.perf_counter() - started)
            with torch.no_grad():
                found = errors(referee(to_tensor(pixels)[None], contents, [number]), referee)
            rows.append({"photo": photos.names[index], "style": name, **found})
    if arguments.csv:
        with arguments.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    width = max(map(len, styles))
    means = {
        name: [
            statistics.fmean(row[kind] for row in rows if row["style"] == name)
            for kind in ("style_error", "content_error")
        ]
        for name in styles
    }
    for name, (style, content) in means.items():
        print(f"{name:{width}}  {style:.3f}  {content:.3f}")
    style, content = (statistics.median(values) for values in zip(*means.values(), strict=True))
    print(f"{'median':{width}}  {style:.3f}  {content:.3f}, {statistics.median(seconds):.3f} s a picture of {len(val)}")


if __name__ == "__main__":
    main()
