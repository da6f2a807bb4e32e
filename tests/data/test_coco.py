"""COCO JSONs: every way to write a mask, chosen categories, and what is wrong in a file."""

import io
import json
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle
from pycocotools.coco import COCO

from pochoir.data.coco import CocoInstances
from pochoir.data.dataset import SegmentationDataset
from pochoir.errors import DataError

Make = Callable[..., Path]
SQUARE = [2, 1, 6, 1, 6, 5, 2, 5]
"""A polygon around x 2 to 6, y 1 to 5."""


@pytest.fixture
def ring() -> np.ndarray:
    """A 6 × 9 mask that no polygon of its own can tell."""
    mask = np.zeros((6, 9), np.uint8)
    mask[1:5, 2:8] = 1
    mask[2:4, 4:6] = 0
    return mask


def opened(annotations: Path, **options: Any) -> CocoInstances:
    return CocoInstances(annotations, annotations.parent / "photos", **options)


def changed(path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def column_runs(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed run lengths: down the columns, background first."""
    flat = [0, *mask.T.ravel().tolist()]
    edges = [i for i in range(1, len(flat)) if flat[i] != flat[i - 1]]
    return np.diff([1, *edges, len(flat)]).tolist()


def test_polygons_of_an_instance_are_joined(coco_json: Make) -> None:
    parts = [SQUARE, [7, 1, 9, 1, 9, 3, 7, 3]]
    sample = opened(coco_json({"a.png": (6, 9)}, [{"segmentation": parts}])).read(0)
    expected = np.zeros((6, 9), bool)
    expected[1:5, 2:6] = expected[1:3, 7:9] = True
    assert np.array_equal(sample.masks, expected[None])
    assert sample.image.shape == (6, 9, 3)


def test_run_lengths_are_read_compressed_and_not(coco_json: Make, ring: np.ndarray) -> None:
    compressed = rle.encode(np.asfortranarray(ring))["counts"].decode()
    codes = [{"size": [6, 9], "counts": counts} for counts in (column_runs(ring), compressed)]
    sample = opened(coco_json({"a.png": (6, 9)}, [{"segmentation": code} for code in codes])).read(0)
    assert np.array_equal(sample.masks, np.stack([ring, ring]).astype(bool))


def test_crowds_are_marked(coco_json: Make, ring: np.ndarray) -> None:
    crowd = {"segmentation": {"size": [6, 9], "counts": column_runs(ring)}, "iscrowd": 1}
    instances = [{"segmentation": [SQUARE], "iscrowd": 0}, crowd, {"segmentation": [SQUARE]}]
    assert opened(coco_json({"a.png": (6, 9)}, instances)).read(0).crowd.tolist() == [False, True, False]


def test_a_single_category_with_id_0_is_foreground(coco_json: Make) -> None:
    path = coco_json({"a.png": (6, 9)}, [{"segmentation": [SQUARE], "category_id": 0}], [("person", 0)])
    for categories in (None, ["person"]):
        _, target = SegmentationDataset(opened(path, categories=categories), [0])[0]
        assert target["labels"].tolist() == [1]


@pytest.fixture
def zoo(coco_json: Make) -> Path:
    """a.png with a person, a bear and a dog, b.png with a dog, c.png with nothing."""
    annotations = [
        {"segmentation": [[0, 0, width, 0, width, 4, 0, 4]], "category_id": category, "image_id": image}
        for width, category, image in ((2, 1, 1), (4, 7, 1), (6, 0, 1), (8, 0, 2))
    ]
    sizes = {"a.png": (6, 9), "b.png": (6, 9), "c.png": (6, 9)}
    return coco_json(sizes, annotations, [("person", 1), ("bear", 7), ("dog", 0)])


@pytest.mark.parametrize(
    ("categories", "areas"),
    [
        (None, [[8, 16, 24], [32], []]),
        (["dog"], [[24], [32], []]),
        (["bear", "person"], [[8, 16], [], []]),
    ],
)
def test_chosen_categories_become_one_class_and_photos_without_them_stay(zoo: Path, categories, areas) -> None:
    dataset = SegmentationDataset(opened(zoo, categories=categories), range(3))
    targets = [dataset[index][1] for index in range(3)]
    assert [target["area"].tolist() for target in targets] == areas
    assert all((target["labels"] == 1).all() for target in targets)
    assert targets[2]["masks"].shape == (0, 6, 9)


def test_an_unknown_category_is_refused_with_a_suggestion(zoo: Path) -> None:
    message = r"instances\.json: dataset\.categories: no category 'persn'; did you mean 'person'\? \(it has bear, dog"
    with pytest.raises(DataError, match=message):
        opened(zoo, categories=["bear", "persn"])
    with pytest.raises(DataError, match=r"no category 'xylophone' \(it has"):
        opened(zoo, categories=["xylophone"])


@pytest.mark.parametrize("categories", [None, ["person"]])
def test_categories_of_the_same_name_are_all_kept(coco_json: Make, categories) -> None:
    instances = [{"segmentation": [SQUARE], "category_id": 0}, {"segmentation": [SQUARE], "category_id": 1}]
    path = coco_json({"a.png": (6, 9)}, instances, [("person", 0), ("person", 1)])
    assert len(opened(path, categories=categories).read(0).masks) == 2


def test_photos_are_sorted_by_name_whatever_their_ids(coco_json: Make) -> None:
    path = coco_json({"b.png": (6, 9), "a.png": (6, 9)}, [{"segmentation": [SQUARE]}])
    source = opened(path)
    assert source.names == ["a.png", "b.png"]
    assert [len(source.read(index).masks) for index in range(2)] == [0, 1]


def test_file_names_may_hold_folders_and_any_letters(coco_json: Make) -> None:
    path = coco_json({"train/jürg.png": (6, 9)}, [{"segmentation": [SQUARE]}])
    content = json.dumps(json.loads(path.read_text()), ensure_ascii=False)
    path.write_bytes(b"\xef\xbb\xbf" + content.encode())  # as some tools on Windows write it
    assert opened(path).names == ["train/jürg.png"]
    assert opened(path).read(0).masks.any()


@pytest.mark.parametrize("name", ["../a.png", "train/../../a.png", "/photos/a.png", ".."])
def test_file_names_that_leave_the_folder_are_refused_unless_asked_for(coco_json: Make, name: str) -> None:
    path = coco_json({"a.png": (6, 9)}, [])
    changed(path, lambda content: content["images"][0].update(file_name=name))
    with pytest.raises(DataError, match=rf"instances\.json: the file name '{re.escape(name)}' leads out of the folder"):
        opened(path)
    assert opened(path, allow_outside=True).names == [name]


def test_file_names_that_come_back_to_the_folder_stay(coco_json: Make) -> None:
    path = coco_json({"a.png": (6, 9), "..b.png": (6, 9)}, [])
    changed(path, lambda content: content["images"][0].update(file_name="train/../a.png"))
    assert opened(path).names == ["..b.png", "train/../a.png"]


def test_a_polygon_that_leaves_the_photo_is_cut(coco_json: Make) -> None:
    path = coco_json({"a.png": (6, 9)}, [{"segmentation": [[-5, -5, 50, -5, 50, 50, -5, 50]]}])
    assert opened(path).read(0).masks.all()


def test_an_instance_without_pixels_is_no_object(coco_json: Make) -> None:
    path = coco_json({"a.png": (6, 9)}, [{"segmentation": []}, {"segmentation": [SQUARE]}])
    assert SegmentationDataset(opened(path), [0])[0][1]["area"].tolist() == [16]


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        "x",
        [[]],
        [[1, 2]],
        SQUARE,
        {"size": [6, 9]},
        {"size": [6, 9], "counts": 3},
        {"size": [6, 9], "counts": [3, -2, 53]},
        {"size": [6, 9], "counts": [3, 300]},
        {"size": [6, 9], "counts": "zzzz~~~"},
    ],
)
def test_a_mask_that_cannot_be_read_is_named(coco_json: Make, segmentation: Any) -> None:
    instances = [{"segmentation": [SQUARE]}, {"segmentation": segmentation}]
    source = opened(coco_json({"a.png": (6, 9)}, instances))
    with pytest.raises(DataError, match=r"instances\.json: annotation 2 cannot be rasterised"):
        source.read(0)


@pytest.mark.parametrize("counts", [[3, 2], "32"])
def test_runs_that_end_early_never_show_what_was_in_memory(coco_json: Make, counts: Any) -> None:
    ones = np.ones((60, 90), np.uint8, order="F")
    source = opened(coco_json({"a.png": (60, 90)}, [{"segmentation": {"size": [60, 90], "counts": counts}}]))
    for _ in range(20):
        rle.decode(rle.encode(ones))  # leaves its pixels in the memory that is used next
        try:
            assert source.read(0).masks.sum() == 2
        except DataError as error:
            assert "annotation 1 cannot be rasterised (its runs do not cover the picture)" in str(error)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_mask_of_another_size_is_named(coco_json: Make, ring: np.ndarray, compressed: bool) -> None:
    counts = rle.encode(np.asfortranarray(ring))["counts"].decode() if compressed else column_runs(ring)
    source = opened(coco_json({"a.png": (9, 6)}, [{"segmentation": {"size": [6, 9], "counts": counts}}]))
    with pytest.raises(DataError, match=r"the mask of annotation 1 is \[6, 9\] pixels, its image \[9, 6\]"):
        source.read(0)


def test_a_photo_of_another_size_than_listed_is_named(coco_json: Make) -> None:
    path = changed(coco_json({"a.png": (6, 9)}, []), lambda content: content["images"][0].update(height=9, width=6))
    with pytest.raises(DataError, match=r"a\.png: is 9×6 pixels, instances\.json says 6×9"):
        opened(path).read(0)


def test_a_missing_photo_is_named(coco_json: Make) -> None:
    path = coco_json({"a.png": (6, 9)}, [])
    (path.parent / "photos" / "a.png").unlink()
    with pytest.raises(DataError, match=r"a\.png: no such file"):
        opened(path).read(0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("images"), "is no COCO instance JSON; missing lists: images"),
        (lambda c: c.update(annotations={}, categories=None), "missing lists: annotations, categories"),
        (lambda c: c["images"][1].pop("height"), r"images\[1\] has no height"),
        (lambda c: c["images"].append("d.png"), r"images\[3\] has no id, file_name, height, width"),
        (lambda c: c["annotations"][0].pop("image_id"), r"annotations\[0\] has no image_id"),
        (lambda c: c["categories"][2].pop("name"), r"categories\[2\] has no name"),
        (lambda c: c["annotations"][3].update(image_id=99), "annotation 4 is of image 99, which is not listed"),
        (lambda c: c["annotations"][3].update(category_id=99), "annotation 4 is of category 99, which is not listed"),
        (lambda c: c["images"][1].update(file_name="a.png"), r"the image a\.png is listed twice"),
        (lambda c: c["images"][1].update(id=1), "two images have the same id"),
    ],
)
def test_an_inconsistent_json_is_refused_by_name(zoo: Path, change: Any, message: str) -> None:
    with pytest.raises(DataError, match=rf"instances\.json: .*{message}"):
        opened(changed(zoo, change))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "cannot be read as JSON"),
        (b'{"images": [', "cannot be read as JSON"),
        (b"\xff\xfe\xff", "cannot be read as JSON"),
        (b"[]", "missing lists: images, annotations, categories"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "instances.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"instances\.json: .*{message}"):
        opened(path)


@pytest.fixture(scope="module")
def people(shared_data: Path) -> CocoInstances:
    folder = shared_data / "coco_person"
    return CocoInstances(folder / "instances.json", folder / "images", categories=["person"])


def test_real_photos_with_all_their_instances_and_crowds(people: CocoInstances) -> None:
    crowds = [[bool(item["iscrowd"]) for item in people.instances[image["id"]]] for image in people.images]
    assert len(people.names) == 391
    assert sum(not crowd for photo in crowds for crowd in photo) == 1209
    assert sum(crowd for photo in crowds for crowd in photo) == 26
    assert sum(not photo for photo in crowds) == 100


def test_real_masks_are_those_of_pycocotools(people: CocoInstances) -> None:
    with redirect_stdout(io.StringIO()):
        reference = COCO(people.annotations)
    counts = [len(people.instances[image["id"]]) for image in people.images]
    crowded = [any(item["iscrowd"] for item in people.instances[image["id"]]) for image in people.images]
    for index in (int(np.argmax(counts)), counts.index(0), crowded.index(True)):
        sample, image = people.read(index), people.images[index]
        annotations = reference.loadAnns(reference.getAnnIds(imgIds=image["id"]))
        assert len(sample.masks) == len(annotations) == counts[index]
        with Image.open(people.folder / image["file_name"]) as photo:
            assert sample.image.shape[:2] == (photo.height, photo.width)
        for mask, crowd, annotation in zip(sample.masks, sample.crowd, annotations, strict=True):
            assert np.array_equal(mask, reference.annToMask(annotation).astype(bool))
            assert crowd == bool(annotation["iscrowd"])
