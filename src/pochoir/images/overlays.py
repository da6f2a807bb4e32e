"""Draw instances on a photo, and photos beside each other."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pochoir.images.picture import Pixels

GOLDEN_ANGLE = 137.508
LABEL_SCALE = 0.42
GAP = 4


def instance_color(index: int) -> tuple[int, int, int]:
    """A strong RGB colour, far from that of its neighbours in order."""
    hsv = np.array([[[int(index * GOLDEN_ANGLE % 360 / 2), 205, 255]]], dtype=np.uint8)
    red, green, blue = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].tolist()
    return red, green, blue


def draw_instances(
    image: Pixels,
    masks: Iterable[NDArray[np.bool_]],
    labels: Sequence[str] = (),
    colors: Sequence[tuple[int, int, int]] | None = None,
) -> Pixels:
    """Tint each instance, outline it, and write its label at its top.

    image: `[H, W, 3]` uint8 RGB. masks: `[N, H, W]` bool, or one `[H, W]` after the other, none of which is kept.
    colors: RGB; None: one for each, see `instance_color`. Returns a new picture of the same size.
    """
    drawn = image.copy()
    shapes = []
    for index, mask in enumerate(masks):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            continue
        color = instance_color(index) if colors is None else colors[index]
        top, left, bottom, right = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
        part, held = drawn[top:bottom, left:right], mask[top:bottom, left:right]
        part[held] = (0.6 * part[held] + 0.4 * np.array(color)).astype(np.uint8)
        outlines, _ = cv2.findContours(
            held.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(int(left), int(top))
        )
        shapes.append((index, color, outlines, (int(left), int(top), int(right))))
    thickness = max(1, round(min(image.shape[:2]) / 250))
    for _, color, outlines, _ in shapes:
        cv2.drawContours(drawn, outlines, -1, color, thickness, cv2.LINE_AA)
    for index, _, _, place in shapes:
        if index < len(labels) and labels[index]:
            _write(drawn, labels[index], *place)
    return drawn


def _write(picture: Pixels, label: str, left: int, top: int, right: int) -> None:
    (width, height), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, LABEL_SCALE, 1)
    x = int(np.clip((left + right - 1 - width) // 2, 0, max(0, picture.shape[1] - width)))
    y = max(top, height + 3)
    cv2.rectangle(picture, (x - 2, y - height - 3), (x + width + 1, y + 2), (0, 0, 0), -1)
    cv2.putText(picture, label, (x, y - 1), cv2.FONT_HERSHEY_SIMPLEX, LABEL_SCALE, (255, 255, 255), 1, cv2.LINE_AA)


def fit_height(picture: Pixels, height: int) -> Pixels:
    """Resize to `height` pixels, aspect kept."""
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    shrinks = height < picture.shape[0]
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return resized.astype(np.uint8)


def within(picture: Pixels, side: int) -> Pixels:
    """Made smaller where it is longer than `side` pixels, aspect kept."""
    height, longest = picture.shape[0], max(picture.shape[:2])
    return picture if longest <= side else fit_height(picture, max(1, height * side // longest))


def beside(pictures: list[Pixels]) -> Pixels:
    """Pictures in a row with a white gap, as high as the first."""
    height = pictures[0].shape[0]
    gap = np.full((height, GAP, 3), 255, dtype=np.uint8)
    parts = [part for picture in pictures for part in (fit_height(picture, height), gap)]
    return np.concatenate(parts[:-1], axis=1)


def grid(pictures: list[Pixels], *, columns: int, height: int = 240) -> Pixels:
    """Pictures in rows of `columns`, each `height` pixels high, on white."""
    rows = []
    for start in range(0, len(pictures), columns):
        rows.append(beside([fit_height(picture, height) for picture in pictures[start : start + columns]]))
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, GAP), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return np.concatenate(padded, axis=0)[:-GAP]
