"""Pictures of what a segmenter gets wrong: the worst photos, and how precision, sizes and classes come out."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from pochoir.data.source import ONE_CLASS
from pochoir.images import Pixels, write_image
from pochoir.images.overlays import draw_instances, fit_height, grid
from pochoir.segmentation.evaluation import Evaluation, ImageRecord, decode_masks
from pochoir.segmentation.matching import MATCH_IOU, Matched, Matches, confusion, counted, match_all, worst

TRUE, FALSE, MISSED, IGNORED = (0, 158, 255), (255, 80, 0), (255, 230, 0), (150, 150, 150)
"""Colours that the colour-blind tell apart, too (after Okabe and Ito)."""
LONGEST = 1280
"""Pixels of a picture's longest side: more makes labels and outlines too small to be read."""
NARROWEST = 400
"""Pixels that the legend needs."""
SHEET_HEIGHT = 480
SIZES = {"small": "small, < 32²", "medium": "medium", "large": "large, > 96²"}
"""COCO's, in pixels of the mask."""
COUNTED = "from a score of %(threshold)g on: %(true)d objects found, %(false)d false, %(missed)d missed"
"""What is told of the counts of `show_mistakes`."""


def show_mistakes(
    records: list[ImageRecord],
    evaluations: Mapping[str, Evaluation],
    photo_of: Callable[[ImageRecord], tuple[str, Pixels]],
    folder: Path,
    *,
    threshold: float,
    shown: int,
) -> tuple[list[Pixels], Pixels, dict[str, float]]:
    """Write the worst photos and `measures.png` to a folder; returns their pictures, and what was counted.

    evaluations: by name of the class, in the order of their labels. threshold: detections below are neither drawn nor
    counted. The counts (see `matching.counted`) come with it.
    """
    matched = match_all(records, threshold)
    pictures = show_worst(worst(matched, shown), photo_of, folder, list(evaluations))
    confused = confusion(matched, len(evaluations))
    measures = measures_picture(evaluations, confused, threshold)
    write_image(folder / "measures.png", measures)
    return pictures, measures, {"threshold": threshold, "iou": MATCH_IOU, **counted(confused)}


def show_worst(
    photos: Sequence[Matched],
    photo_of: Callable[[ImageRecord], tuple[str, Pixels]],
    folder: Path,
    classes: Sequence[str] = ONE_CLASS,
) -> list[Pixels]:
    """Draw the photos with the most mistakes to `worst/`, with a sheet of them, `worst.png`; the pictures, in order.

    photo_of: gives a record's photo and its name. What an earlier call left is removed.
    """
    for old in (folder / "worst.png", *(folder / "worst").glob("*.png")):
        old.unlink(missing_ok=True)
    pictures = []
    for number, (item, matches) in enumerate(photos):
        name, photo = photo_of(item)
        pictures.append(mistakes_picture(photo, item, matches, name, classes))
        write_image(folder / "worst" / f"{number:02d}_{Path(name).stem}.png", pictures[-1])
    if pictures:
        write_image(folder / "worst.png", grid(pictures, columns=2, height=SHEET_HEIGHT))
    return pictures


def mistakes_picture(
    photo: Pixels, item: ImageRecord, matches: Matches, name: str = "", classes: Sequence[str] = ONE_CLASS
) -> Pixels:
    """A photo with what was found, invented (with its score), missed and ignored, each in its colour, and a legend.

    What was missed or invented is named where there are several classes.
    """
    found = [item.detections[place] for place, _ in matches.pairs]
    false = [item.detections[place] for place in matches.all_false]
    missed = [item.truth[place] for place in matches.all_missed]
    crowds = [annotation for annotation in item.truth if annotation["iscrowd"]]
    parts = [(crowds, IGNORED, "ignored"), (found, TRUE, "true"), (missed, MISSED, "missed"), (false, FALSE, "false")]
    drawn = draw_instances(
        photo,
        decode_masks([annotation for part, _, _ in parts for annotation in part], item.size),
        [""] * len(crowds + found) + [_told(annotation, classes) for annotation in missed + false],
        colors=[color for part, color, _ in parts for _ in part],
    )
    height, width = drawn.shape[:2]
    if max(height, width) > LONGEST:
        drawn = fit_height(drawn, max(1, height * LONGEST // max(height, width)))
    elif width < NARROWEST:
        drawn = fit_height(drawn, height * NARROWEST // width)
    legend = [(f"{len(part)} {word}", color) for part, color, word in parts[1:]]
    return np.concatenate([_legend(legend, name, drawn.shape[1]), drawn])


def _told(annotation: Mapping[str, Any], classes: Sequence[str]) -> str:
    """What stands on an object or a detection: its class, where there are several, and its score, where it has one."""
    named = classes[annotation["category_id"] - 1] if len(classes) > 1 else ""
    return f"{named} {annotation['score']:.2f}".strip() if "score" in annotation else named


def _legend(entries: list[tuple[str, tuple[int, int, int]]], name: str, width: int) -> Pixels:
    """A white strip with a coloured square and a word for each, and the photo's name at the right where it fits."""
    scale = min(0.9, max(0.3, width / 900))
    height = round(34 * scale) + 6
    strip = np.full((height, width, 3), 255, dtype=np.uint8)
    font, baseline = cv2.FONT_HERSHEY_SIMPLEX, round(height * 0.68)
    thick, x, side = max(1, round(scale * 1.6)), 6, height // 2
    for word, color in entries:
        cv2.rectangle(strip, (x, height // 4), (x + side, height // 4 + side), color, -1)
        cv2.rectangle(strip, (x, height // 4), (x + side, height // 4 + side), (60, 60, 60), 1)
        cv2.putText(strip, word, (x + side + 5, baseline), font, scale, (30, 30, 30), thick, cv2.LINE_AA)
        x += side + 5 + cv2.getTextSize(word, font, scale, thick)[0][0] + round(24 * scale)
    shown = name.encode("ascii", "replace").decode()  # the font knows no other letters
    room = cv2.getTextSize(shown, font, scale, thick)[0][0]
    if x + room < width - 6:
        cv2.putText(strip, shown, (width - room - 6, baseline), font, scale, (110, 110, 110), thick, cv2.LINE_AA)
    return strip


def measures_picture(evaluations: Mapping[str, Evaluation], confused: NDArray[np.int64], threshold: float) -> Pixels:
    """Precision over recall, AP by size, and the confusion (see `confusion`) beside each other.

    evaluations: by name of the class, in the order of their labels. threshold: what objects were counted from.
    """
    figure = Figure(figsize=(13.5, 4.2), layout="constrained")
    curves, sizes, counts = figure.subplots(1, 3)
    _draw_curves(curves, evaluations)
    _draw_sizes(sizes, evaluations)
    _draw_confusion(counts, confused, list(evaluations), threshold)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=96)
    return np.asarray(Image.open(buffer).convert("RGB"))


def _draw_curves(axes: Axes, evaluations: Mapping[str, Evaluation]) -> None:
    """Of one class boxes and masks at two IoUs, of several the masks at IoU .5; the area under a curve is its AP."""
    several = len(evaluations) > 1
    for name, evaluation in evaluations.items():
        for (kind, iou), curve in evaluation.curves.items():
            if not several or (kind, iou) == ("mask", 0.5):
                label = name if several else f"{kind}, IoU {iou:.2f}"
                style = "-" if kind == "mask" else "--"
                axes.plot(curve.recall, curve.precision, style, label=f"{label}: {curve.precision.mean():.3f}")
    title = "masks, IoU 0.50: precision over recall" if several else "precision over recall"
    axes.set(title=title, xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower left")
    axes.grid(alpha=0.3)


def _draw_sizes(axes: Axes, evaluations: Mapping[str, Evaluation]) -> None:
    """AP of masks by size, bars beside each other for classes; a size without objects has none."""
    width = 0.8 / len(evaluations)
    for number, (name, evaluation) in enumerate(evaluations.items()):
        values = [evaluation.metrics.get(f"mask_ap_{size}") for size in SIZES]
        places = [place + number * width for place, value in enumerate(values) if value is not None]
        known = [value for value in values if value is not None]
        bars = axes.bar(places, known, width, align="edge", label=name)
        axes.bar_label(bars, [f"{value:.2f}" for value in known], fontsize=8)
    axes.set_xticks([place + 0.4 for place in range(len(SIZES))], SIZES.values())
    axes.set(title="AP of masks by size in pixels", ylim=(0, 1.05), xlim=(-0.1, len(SIZES) - 0.1))
    if len(evaluations) > 1:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3)


def _draw_confusion(axes: Axes, confused: NDArray[np.int64], classes: Sequence[str], threshold: float) -> None:
    axes.imshow(confused, cmap="Blues")
    ticks = range(len(classes) + 1)
    axes.set_xticks(ticks, [*classes, "missed"], rotation=0 if len(classes) < 4 else 90)
    axes.set_yticks(ticks, [*classes, "nothing"])
    axes.set(title=f"counts from a score of {threshold:g} on", xlabel="found as", ylabel="object")
    dark = confused.max() / 2
    for row in ticks:
        for column in ticks:
            if (row, column) != (len(classes), len(classes)):
                color = "white" if confused[row, column] > dark else "black"
                axes.text(column, row, str(confused[row, column]), ha="center", va="center", color=color)
