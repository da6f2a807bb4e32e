"""VIA's project files and exports: regions of every shape, and which attribute is the class."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pochoir.data.split import Split
from pochoir.errors import DataError

Make = Callable[..., Any]
POLYGON = {"name": "polygon", "all_points_x": [4, 20, 20, 4], "all_points_y": [6, 6, 18, 18]}


def region(shape: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": attributes}


def entries(regions: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name}1234": {"filename": name, "size": 1234, "regions": listed, "file_attributes": {}}
        for name, listed in regions.items()
    }


def project(regions: dict[str, Any]) -> dict[str, Any]:
    """What 'Project > Save' writes."""
    return {
        "_via_settings": {"ui": {}, "core": {"default_filepath": ""}, "project": {"name": "bags"}},
        "_via_img_metadata": entries(regions),
        "_via_attributes": {"region": {"kind": {"type": "text"}}, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(entries(regions)),
    }


def test_a_project_and_its_photos(
    tmp_path: Path, photos: Make, opened: Make, holds_the_object: Make, caplog: pytest.LogCaptureFixture
) -> None:
    photos(tmp_path, "a.png", "b.png")
    rect = {"name": "rect", "x": 4, "y": 6, "width": 16, "height": 12}
    content = project({"a.png": [region(POLYGON, kind="bag")], "b.png": [region(rect, kind="bag")]})
    (tmp_path / "via_project_26Nov2026_9h0m.json").write_text(json.dumps(content))
    with caplog.at_level(logging.INFO):
        holds_the_object(opened(val=1))
    assert "VIA regions, via_project_26Nov2026_9h0m.json" in caplog.text
    assert "the class of a region is its attribute 'kind'" in caplog.text


def test_exports_of_version_1_in_folders_of_a_split(
    tmp_path: Path, photos: Make, opened: Make, holds_the_object: Make
) -> None:
    for folder in ("train", "val"):  # as the balloons of Mask R-CNN's tutorial
        photos(tmp_path / folder, "1.png")
        content = entries({"1.png": {"0": region({**POLYGON, "all_points_x": [4, 20, 20, 4]})}})
        (tmp_path / folder / "via_region_data.json").write_text(json.dumps(content))
    result = opened()
    assert result.split == Split(["train/1.png"], ["val/1.png"], [])
    holds_the_object(result)


@pytest.mark.parametrize(
    ("shape", "area", "box"),
    [
        ({"name": "circle", "cx": 16, "cy": 12, "r": 8}, np.pi * 64, (8, 4, 24, 20)),
        ({"name": "ellipse", "cx": 16, "cy": 12, "rx": 12, "ry": 6, "theta": 0}, np.pi * 72, (4, 6, 28, 18)),
        ({"name": "ellipse", "cx": 16, "cy": 12, "rx": 10, "ry": 4, "theta": np.pi / 2}, np.pi * 40, (12, 2, 20, 22)),
        ({"name": "ellipse", "cx": 16, "cy": 12, "rx": 10, "ry": 4}, np.pi * 40, (6, 8, 26, 16)),
    ],
)
def test_round_regions(
    tmp_path: Path, photos: Make, opened: Make, shape: dict[str, Any], area: float, box: tuple[int, ...]
) -> None:
    photos(tmp_path / "images", "a.png", "b.png")
    content = entries({"a.png": [region(shape)], "b.png": []})
    (tmp_path / "via_export_json.json").write_text(json.dumps(content))
    mask = opened(val=1).source.read(0).masks[0]
    rows, columns = np.nonzero(mask)
    found = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert np.abs(np.subtract(found, box)).max() <= 1
    assert mask.sum() == pytest.approx(area, rel=0.08)


def test_a_turned_ellipse_leans_as_drawn(tmp_path: Path, photos: Make, opened: Make) -> None:
    photos(tmp_path, "a.png", "b.png")
    leaning = {"name": "ellipse", "cx": 16, "cy": 12, "rx": 10, "ry": 2, "theta": np.pi / 4}  # clockwise: y goes down
    (tmp_path / "via.json").write_text(json.dumps(entries({"a.png": [region(leaning)], "b.png": []})))
    mask = opened(val=1).source.read(0).masks[0]
    assert mask[17, 21] and mask[7, 11]
    assert not mask[7, 21] and not mask[17, 11]


@pytest.mark.parametrize(
    ("attributes", "classes"),
    [
        ([{"kind": "bag"}, {"kind": "hat"}], ["bag", "hat"]),
        ([{"class": "bag", "colour": "red"}, {"class": "hat", "colour": "blue"}], ["bag", "hat"]),
        ([{"type": {"bag": True}}, {"type": {"hat": True, "bag": False}}], ["bag", "hat"]),
        ([{}, {}], ["object"]),
    ],
)
def test_the_class_is_an_attribute(
    tmp_path: Path, photos: Make, opened: Make, attributes: list[dict[str, Any]], classes: list[str]
) -> None:
    photos(tmp_path, "a.png", "b.png")
    content = entries({"a.png": [region(POLYGON, **one) for one in attributes], "b.png": []})
    (tmp_path / "via.json").write_text(json.dumps(content))
    assert opened(val=1, merge=False).source.classes == tuple(classes)
    assert len(opened(val=1, categories=classes[:1]).source.read(0).masks) == (2 if len(classes) == 1 else 1)


def test_attributes_of_which_none_is_the_class_make_one_class_unless_several_are_asked_for(
    tmp_path: Path, photos: Make, opened: Make, caplog: pytest.LogCaptureFixture
) -> None:
    photos(tmp_path, "a.png", "b.png")
    content = entries({"a.png": [region(POLYGON, colour="red", size="big")], "b.png": []})
    (tmp_path / "via.json").write_text(json.dumps(content))
    with caplog.at_level(logging.INFO):
        assert opened(val=1).source.classes == ("object",)
    assert "no attribute of regions is the class (colour, size): all are objects of one" in caplog.text
    for choice in ({"merge": False}, {"categories": ["red"]}):
        with pytest.raises(
            DataError, match=r"\(colour, size\): let it be the only one, or call it one of class, label"
        ):
            opened(val=1, **choice)


def test_a_project_beside_its_export_is_one_dataset(
    tmp_path: Path, photos: Make, opened: Make, holds_the_object: Make, caplog: pytest.LogCaptureFixture
) -> None:
    photos(tmp_path, "a.png", "b.png")
    regions = {"a.png": [region(POLYGON, kind="bag")], "b.png": [region(POLYGON, kind="bag")]}
    (tmp_path / "via_export.json").write_text(json.dumps(entries(regions)))
    (tmp_path / "via_project.json").write_text(json.dumps(project(regions)))
    with caplog.at_level(logging.INFO):
        holds_the_object(opened(val=1))
    assert "via_project.json: says what via_export.json says" in caplog.text
    (tmp_path / "via_project.json").write_text(json.dumps(project({**regions, "b.png": []})))
    with pytest.raises(DataError, match=r"(?s)holds 2 datasets.*format=via, with no other VIA JSON there"):
        opened(val=1)


def test_a_project_imported_from_coco_numbers_its_classes(tmp_path: Path, photos: Make, opened: Make) -> None:
    photos(tmp_path, "a.png", "b.png")
    content = project({"a.png": [region(POLYGON, undefined="2")], "b.png": [region(POLYGON, undefined="1")]})
    content["_via_attributes"]["region"] = {"undefined": {"type": "radio", "options": {"1": "bag", "2": "hat"}}}
    (tmp_path / "via.json").write_text(json.dumps(content))
    assert opened(val=1, merge=False).source.classes == ("bag", "hat")
    assert len(opened(val=1, categories=["hat"]).source.read(0).masks) == 1


def test_lines_and_points_are_told(
    tmp_path: Path, photos: Make, opened: Make, caplog: pytest.LogCaptureFixture
) -> None:
    photos(tmp_path, "a.png", "b.png")
    lines = [{**POLYGON, "name": "polyline"}, {"name": "point", "cx": 3, "cy": 4}]
    content = entries({"a.png": [region(POLYGON), *map(region, lines)], "b.png": []})
    (tmp_path / "via.json").write_text(json.dumps(content))
    assert len(opened(val=1).source.read(0).masks) == 1
    assert "2 regions are lines or points" in caplog.text
    assert "region 1 of a.png" in caplog.text


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ([region({**POLYGON, "all_points_x": [4, None, 20, 4]})], r"region 0 of a\.png.* no number"),
        ([region({**POLYGON, "all_points_x": [4, 2e9, 20, 4]})], r"region 0 of a\.png.* far from the photo of 32×24"),
        (
            [region({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]})],
            "three points at least",
        ),
        ([region({"name": "circle", "cx": 1})], r"region 0 of a\.png cannot be read \(KeyError\('cy'\)\)"),
        ([region(POLYGON, kind="bag"), region(POLYGON, kind="")], r"region 1 of a\.png has no kind"),
    ],
)
def test_regions_that_cannot_be_used(
    tmp_path: Path, photos: Make, opened: Make, regions: list[dict[str, Any]], message: str
) -> None:
    photos(tmp_path, "a.png", "b.png")
    (tmp_path / "via.json").write_text(json.dumps(entries({"a.png": regions, "b.png": []})))
    with pytest.raises(DataError, match=message):
        opened(val=1).source.read(0)


def test_what_cannot_be_seen_is_remarked_on(tmp_path: Path, photos: Make, opened: Make) -> None:
    photos(tmp_path, "a.png", "b.png")
    lost = [{"name": "circle", "cx": 5, "cy": 5, "r": 0.1}, {"name": "rect", "x": 40, "y": 2, "width": 9, "height": 9}]
    content = entries({"a.png": [region(POLYGON), *map(region, lost)], "b.png": []})
    (tmp_path / "via.json").write_text(json.dumps(content))
    sample = opened(val=1).source.read(0)
    assert len(sample.masks) == len(sample.crowd) == 1
    assert "so small or flat" in sample.remarks[0].what
    assert "outside their photo" in sample.remarks[1].what
    assert sample.remarks[1].where.endswith("region 2 of a.png")


def test_a_photo_that_is_not_there(tmp_path: Path, photos: Make, opened: Make) -> None:
    photos(tmp_path, "a.png")
    (tmp_path / "via.json").write_text(json.dumps(entries({"a.png": [], "b.png": [], "c.png": []})))
    with pytest.raises(DataError, match=r"via\.json: 2 of 3 photos are not in .*: b\.png, c\.png"):
        opened()
