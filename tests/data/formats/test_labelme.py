"""labelme's own JSON files, one a photo."""

import base64
import json
import logging
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pochoir.data.split import Split
from pochoir.errors import DataError

Make = Callable[..., Any]
POINTS = [[4, 6], [20, 6], [20, 18], [4, 18]]


def shape(kind: str, points: Any, label: str = "bag", **others: Any) -> dict[str, Any]:
    known = {"group_id": None, "description": "", "flags": {}, "mask": None}
    return {"label": label, "points": points, "shape_type": kind, **known, **others}


def write(path: Path, *shapes: dict[str, Any], photo: str | None = None, **others: Any) -> None:
    content = {
        "version": "5.8.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": photo or f"{path.stem}.png",
        "imageData": None,
        "imageHeight": 24,
        "imageWidth": 32,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**content, **others}))


def png(pixels: np.ndarray) -> str:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    "drawn",
    [
        [shape("polygon", POINTS)],
        [shape("rectangle", [[20, 18], [4, 6]])],
        [shape("rectangle", POINTS)],  # as AnyLabeling writes it
        [shape("mask", [[4, 6], [19, 17]], mask=png(np.ones((12, 16), dtype=bool)))],
        [shape("polygon", [[4, 6], [12, 6], [12, 18], [4, 18]], group_id=1),
         shape("polygon", [[12, 6], [20, 6], [20, 18], [12, 18]], group_id=1)],
    ],
)  # fmt: skip
def test_shapes(
    tmp_path: Path, photos: Make, opened: Make, holds_the_object: Make, drawn: list[dict[str, Any]]
) -> None:
    photos(tmp_path, "a.png", "b.png")
    write(tmp_path / "a.json", *drawn)
    write(tmp_path / "b.json", *drawn)
    holds_the_object(opened(val=1))


def test_a_circle_is_a_centre_and_a_point_of_it(tmp_path: Path, photos: Make, opened: Make) -> None:
    photos(tmp_path, "a.png", "b.png")
    write(tmp_path / "a.json", shape("circle", [[16, 12], [16, 20]]))
    write(tmp_path / "b.json")
    assert opened(val=1).source.read(0).masks.sum() == pytest.approx(np.pi * 64, rel=0.08)


def test_classes_groups_and_what_has_no_area(
    tmp_path: Path, photos: Make, opened: Make, caplog: pytest.LogCaptureFixture
) -> None:
    photos(tmp_path, "a.png", "b.png", "c.png")
    write(
        tmp_path / "a.json",
        shape("polygon", POINTS, "hat", group_id=1),
        shape("polygon", POINTS, "bag", group_id=1),  # another label, another object
        shape("linestrip", POINTS),
        shape("point", [[3, 3]]),
    )
    write(tmp_path / "b.json")
    with caplog.at_level(logging.INFO):
        source = opened(val=1, merge=False).source
    assert source.names == ["a.png", "b.png"]
    assert source.classes == ("bag", "hat")
    assert [source.read(index).labels.tolist() for index in (0, 1)] == [[2, 1], []]
    merged = opened(val=1).source
    assert merged.classes == ("object",)
    assert merged.read(0).labels.tolist() == [1, 1]
    assert "2 shapes are lines or points" in caplog.text
    assert "1 photos have no JSON, and are passed over" in caplog.text
    assert "c.png" in caplog.text


@pytest.mark.parametrize("photo", ["../photos/a.png", "..\\photos\\a.png"])
def test_the_photo_is_where_the_path_says(tmp_path: Path, photos: Make, opened: Make, photo: str) -> None:
    photos(tmp_path / "photos", "a.png", "b.png")
    write(tmp_path / "json" / "a.json", shape("polygon", POINTS), photo=photo)
    write(tmp_path / "json" / "b.json", photo=photo.replace("a.png", "b.png"))
    assert opened(val=1).source.names == ["a.png", "b.png"]


def test_or_beside_the_file(tmp_path: Path, photos: Make, opened: Make) -> None:
    for folder in ("train", "val"):
        photos(tmp_path / folder, "a.png")
        write(tmp_path / folder / "a.json", photo="C:\\Users\\me\\renamed.png")
    assert opened().split == Split(["train/a.png"], ["val/a.png"], [])


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (shape("polygon", POINTS[:2]), r"a\.json: shape 0 .*a polygon has more than 2 points"),
        (shape("spline", POINTS), r"shape 0 .*polygon, rectangle, circle or mask, not 'spline'"),
        (shape("polygon", [[1, 2], [None, 4], [5, 6]]), r"shape 0.* no number"),
        (
            shape("mask", [[10, 6], [40, 17]], mask=png(np.ones((12, 31), dtype=bool))),
            "mask reaches out of a photo",
        ),
        ({"points": POINTS}, r"shape 0 cannot be read \(KeyError\('label'\)\)"),
    ],
)
def test_shapes_that_cannot_be_used(
    tmp_path: Path, photos: Make, opened: Make, drawn: dict[str, Any], message: str
) -> None:
    photos(tmp_path, "a.png", "b.png")
    write(tmp_path / "a.json", drawn)
    write(tmp_path / "b.json")
    with pytest.raises(DataError, match=message):
        opened(val=1).source.read(0)


def test_files_that_do_not_fit(tmp_path: Path, photos: Make, opened: Make) -> None:
    photos(tmp_path, "a.png", "b.png")
    write(tmp_path / "a.json", imageHeight=48)
    write(tmp_path / "b.json")
    with pytest.raises(DataError, match=r"a\.png: is 32×24 pixels, its annotation says 32×48"):
        opened(val=1).source.read(0)
    write(tmp_path / "c.json")
    with pytest.raises(DataError, match=r"c\.json: its photo c\.png is neither beside it nor"):
        opened()


@pytest.mark.parametrize("content", ['{"shapes": [{"label', '{"imagePath": "b.png"}'])
def test_a_json_beside_a_photo_that_labelme_did_not_write_is_named(
    tmp_path: Path, photos: Make, opened: Make, content: str
) -> None:
    photos(tmp_path, "a.png", "b.png")
    write(tmp_path / "a.json")
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(DataError, match=r"beside photos, 1 JSON file that labelme did not write: .*b\.json"):
        opened(val=1)
