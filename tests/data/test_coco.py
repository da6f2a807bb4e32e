"""COCO JSONs: every way to write a mask, chosen categories, and what is wrong in a file."""

import io
import json
import logging
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle
from pycocotools.coco import COCO

from pochoir.data import outlines
from pochoir.data.coco import CROWDS, CocoInstances
from pochoir.data.dataset import SegmentationDataset
from pochoir.data.outlines import FRACTIONS, NO_OUTLINE, NO_PIXEL, OUTSIDE, SHORT
from pochoir.data.source import Remark
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
    with pytest.raises(
        DataError, match=rf"instances\.json: 1 file names lead out of the folder .*: {re.escape(name)} \("
    ):
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
        "x",
        7,
        [[1, 2]],
        [[1, 2, 3, 4]],
        [[2, 1, 6, 1, 6, 5, 2]],
        [["a", 1, 6, 1, 6, 5]],
        [{"x": 1, "y": 2}],
        [[2, 1, None, 1, 6, 5]],
        [[2, 1, 1e300, 1, 6, 5]],
        [[2, 1, -2000, 1, 6, 5]],
        {"size": [6, 9]},
        {"size": [6], "counts": [54]},
        {"size": [6, 9], "counts": [[54]]},
        {"size": [6, 9], "counts": [3.5, 50.5]},
        {"size": [6, 9], "counts": [None, 54]},
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
    with pytest.raises(DataError, match=r"annotation 1 .*\(the mask is 9×6 pixels, its photo 6×9\)"):
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
        (lambda c: [c.pop("images"), c.pop("categories")], "missing lists: images, categories"),
        (lambda c: c.update(annotations={}), r"Expected `array`, got `object` - at `\$\.annotations`"),
        (lambda c: c["images"].append("d.png"), r"Expected `object`, got `str` - at `\$\.images\[3\]`"),
        (
            lambda c: [c["annotations"][i].pop("image_id") for i in (0, 2)],
            r"2 of 4 annotations have no image_id: annotations\[0\], annotations\[2\]",
        ),
        (lambda c: c["categories"][2].pop("name"), r"1 of 3 categories have no name: categories\[2\]"),
        (
            lambda c: [one.update(image_id=99) for one in c["annotations"][1:]],
            "3 of 4 annotations are of images that are not listed: annotation 2 of 99, annotation 3 of 99",
        ),
        (lambda c: c["annotations"][3].update(category_id=99), "of categories that are not listed: annotation 4 of 99"),
        (lambda c: [c["images"][i].update(file_name="a.png") for i in (1, 2)], r"1 image is listed twice: a\.png"),
        (lambda c: c["images"][1].update(id="1"), "two images have the same id: 1"),
        (lambda c: c["annotations"][2].update(iscrowd=2), "1 annotations have another: 2 of annotation 3"),
        (lambda c: c["annotations"][2].update(iscrowd=[1]), r"another: \[1\] of annotation 3"),
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
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing lists: images, annotations, categories"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "instances.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"instances\.json: .*{message}"):
        opened(path)


@pytest.mark.parametrize("segmentation", [None, [], [[]], "absent"])
def test_an_annotation_without_an_outline_is_told(coco_json: Make, segmentation: Any) -> None:
    without = {} if segmentation == "absent" else {"segmentation": segmentation}
    sample = opened(coco_json({"a.png": (6, 9)}, [without, {"segmentation": [SQUARE]}])).read(0)
    assert len(sample.masks) == 1
    assert sample.remarks == (Remark("annotation 1", NO_OUTLINE),)


@pytest.mark.parametrize(
    "segmentation",
    [
        SQUARE,  # without the list around it
        [[str(number) for number in SQUARE]],
        [[[2, 1], [6, 1], [6, 5], [2, 5]]],
        [[2, 1], [6, 1], [6, 5], [2, 5]],
        [[2, 1], SQUARE],
        [SQUARE, [2, 1, 6, 1]],
        {"size": [6.0, 9], "counts": [13.0, 4, 2, 4, 2, 4, 2, 4, 19]},
    ],
)
def test_what_can_only_mean_one_thing_is_taken_for_it(coco_json: Make, segmentation: Any) -> None:
    expected = np.zeros((6, 9), bool)
    expected[1:5, 2:6] = True
    sample = opened(coco_json({"a.png": (6, 9)}, [{"segmentation": segmentation}])).read(0)
    assert np.array_equal(sample.masks, expected[None])
    short = isinstance(segmentation, list) and SQUARE in segmentation
    assert sample.remarks == ((Remark("annotation 1", SHORT, lost=False),) if short else ())


@pytest.mark.parametrize(
    ("polygon", "why"),
    [
        ([0.1, 0.1, 0.9, 0.1, 0.9, 0.9], FRACTIONS),
        ([-9, -9, -1, -9, -1, -1], OUTSIDE),
        ([40, 2, 50, 2, 50, 9], OUTSIDE),
        ([2, 2, 20, 2, 2, 2], NO_PIXEL),
    ],
)
def test_why_nothing_can_be_seen_of_an_annotation(coco_json: Make, polygon: list[float], why: str) -> None:
    sample = opened(coco_json({"a.png": (20, 30)}, [{"segmentation": [polygon]}])).read(0)
    assert sample.masks.shape == (0, 20, 30)
    assert sample.remarks == (Remark("annotation 1", why),)


@pytest.mark.parametrize("coordinate", [None, float("nan"), float("inf"), 1e300, -1e12, 2**70])
def test_unbounded_coordinates_never_reach_pycocotools(coco_json: Make, monkeypatch, coordinate: Any) -> None:
    monkeypatch.setattr(outlines.rle, "frPyObjects", lambda *_: pytest.fail("pycocotools was called"))
    source = opened(coco_json({"a.png": (6, 9)}, [{"segmentation": [[coordinate, *SQUARE[1:]]]}]))
    with pytest.raises(DataError, match=r"annotation 1 cannot be rasterised .*coordinate.*it is of a\.png"):
        source.read(0)
    fault = source.fault(0)
    assert fault is not None
    assert fault.where == "annotation 1 of a.png"


def test_endless_edges_are_refused(coco_json: Make) -> None:
    zigzag = [[0, 0, 900, 590] * 5000]
    with pytest.raises(DataError, match="edges are longer"):
        opened(coco_json({"a.png": (600, 900)}, [{"segmentation": zigzag * 3}])).read(0)


def test_crowds_may_be_instances_like_others(coco_json: Make) -> None:
    instances = [{"segmentation": [SQUARE], "iscrowd": 1}, {"segmentation": [SQUARE]}]
    path = coco_json({"a.png": (6, 9)}, instances)
    sample = opened(path).read(0)
    assert sample.crowd.tolist() == [True, False]
    assert sample.remarks == (Remark("annotation 1", CROWDS),)
    sample = opened(path, crowds_count=True).read(0)
    assert sample.crowd.tolist() == [False, False]
    assert sample.remarks == ()


def test_what_is_not_trained_on_is_told_when_the_file_is_opened(
    coco_json: Make, caplog: pytest.LogCaptureFixture
) -> None:
    crowds = [{"segmentation": [SQUARE], "iscrowd": 1}] * 7
    opened(coco_json({"a.png": (6, 9)}, [*crowds, {"segmentation": []}, {}, {"segmentation": [SQUARE]}]))
    crowd, without = caplog.messages
    assert "of 10 annotations, 7 annotations are crowds" in crowd
    assert "annotation 1, annotation 2, annotation 3, annotation 4, annotation 5 and 2 more" in crowd
    assert "2 annotations have no outline" in without
    assert without.endswith("annotation 8, annotation 9")


@pytest.mark.parametrize("image_id", [1, 1.0, "1"])
def test_numbers_may_be_written_as_text_or_with_a_point(coco_json: Make, image_id: Any) -> None:
    path = coco_json({"a.png": (6, 9)}, [{"segmentation": [SQUARE], "image_id": image_id, "iscrowd": "0"}])
    changed(path, lambda content: content["images"][0].update(width="9", height=6.0))
    sample = opened(path).read(0)
    assert len(sample.masks) == 1
    assert not sample.crowd.any()


def test_ids_that_are_names_are_told_apart(coco_json: Make) -> None:
    instances = [{"segmentation": [SQUARE], "image_id": name} for name in ("1", "01", "01")]
    path = coco_json({"a.png": (6, 9), "b.png": (6, 9)}, instances)
    changed(path, lambda content: content["images"][1].update(id="01"))
    assert [len(opened(path).read(index).masks) for index in range(2)] == [1, 2]


def test_a_photo_tells_its_size_where_the_file_does_not(coco_json: Make) -> None:
    path = coco_json({"a.png": (6, 9)}, [{"segmentation": [SQUARE]}])
    changed(path, lambda content: [content["images"][0].pop("height"), content["images"][0].update(width=0)])
    assert opened(path).read(0).masks.shape == (1, 6, 9)


def test_chosen_categories_without_annotations_are_refused_with_those_that_have_some(coco_json: Make) -> None:
    path = coco_json({"a.png": (6, 9)}, [{"segmentation": [SQUARE]}] * 2, [("people", 0), ("person", 1)])
    with pytest.raises(DataError, match=r"none of the 2 annotations is of people; there are person 2"):
        opened(path, categories=["people"])


def test_a_file_of_nothing_but_photos_is_read(coco_json: Make) -> None:
    source = opened(coco_json({"a.png": (6, 9)}, []))
    assert source.read(0).masks.shape == (0, 6, 9)
    assert not source.holds_objects(0)


def test_a_turned_photo_is_read_as_it_was_annotated(coco_json: Make) -> None:
    path = coco_json({"a.png": (6, 9)}, [{"segmentation": [SQUARE]}])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (9, 6)).save(path.parent / "photos" / "a.png", exif=exif)
    with pytest.raises(DataError, match=r"is 6×9 pixels, .* says 9×6.*EXIF orientation 6.*dataset\.exif=ignore"):
        opened(path).read(0)
    assert opened(path, turned=False).read(0).image.shape == (6, 9, 3)
    changed(path, lambda content: content["images"][0].update(width=6, height=9))
    assert opened(path).read(0).image.shape == (9, 6, 3)
    with pytest.raises(DataError, match=r"after its EXIF orientation 6; dataset\.exif=apply"):
        opened(path, turned=False).read(0)


def test_processes_share_the_annotations_as_arrays(coco_json: Make) -> None:
    """A worker that is started anew gets tensors as handles; what is pickled besides them hardly grows."""
    many = [{"segmentation": [[*SQUARE] * 50]} for _ in range(500)]
    source = opened(coco_json({"a.png": (6, 9)}, many))
    assert not [value for value in vars(source._json).values() if isinstance(value, dict)]
    assert len(ForkingPickler.dumps(source)) < 40_000 < source._json.text.numel()


@pytest.fixture(scope="module")
def people(shared_data: Path) -> CocoInstances:
    folder = shared_data / "coco_person"
    return CocoInstances(folder / "instances.json", folder / "images", categories=["person"])


def test_real_photos_with_all_their_instances_and_crowds(people: CocoInstances) -> None:
    content = json.loads(people.annotations.read_text())
    ids = {image["file_name"]: image["id"] for image in content["images"]}
    crowds = [people.instances(index, people.size(index)).crowd.tolist() for index in range(len(people.names))]
    assert len(people.names) == 391
    assert sum(not crowd for photo in crowds for crowd in photo) == 1209
    assert sum(crowd for photo in crowds for crowd in photo) == 26
    assert sum(not photo for photo in crowds) == 100
    for name, photo in zip(people.names, crowds, strict=True):
        assert len(photo) == sum(item["image_id"] == ids[name] for item in content["annotations"])


def test_real_masks_are_those_of_pycocotools(people: CocoInstances) -> None:
    with redirect_stdout(io.StringIO()):
        reference = COCO(people.annotations)
    images = sorted(reference.dataset["images"], key=lambda image: image["file_name"])
    listed = [reference.loadAnns(reference.getAnnIds(imgIds=image["id"])) for image in images]
    counts = [len(annotations) for annotations in listed]
    crowded = [any(item["iscrowd"] for item in annotations) for annotations in listed]
    for index in (int(np.argmax(counts)), counts.index(0), crowded.index(True)):
        sample, image = people.read(index), images[index]
        annotations = reference.loadAnns(reference.getAnnIds(imgIds=image["id"]))
        assert len(sample.masks) == len(annotations) == counts[index]
        with Image.open(people.folder / image["file_name"]) as photo:
            assert sample.image.shape[:2] == (photo.height, photo.width)
        for mask, crowd, annotation in zip(sample.masks, sample.crowd, annotations, strict=True):
            assert np.array_equal(mask, reference.annToMask(annotation).astype(bool))
            assert crowd == bool(annotation["iscrowd"])


def labels(source: CocoInstances) -> list[list[int]]:
    dataset = SegmentationDataset(source, range(len(source.names)))
    return [dataset[index][1]["labels"].tolist() for index in range(len(dataset))]


@pytest.mark.parametrize(
    ("categories", "classes", "expected"),
    [
        (None, ("person", "bear", "dog"), [[1, 2, 3], [3], []]),  # in the order of the file
        (["dog", "person"], ("dog", "person"), [[2, 1], [1], []]),  # in the order that was asked for
        (["bear"], ("bear",), [[1], [], []]),
    ],
)
def test_categories_may_be_a_class_each(
    zoo: Path, categories: list[str] | None, classes: tuple[str, ...], expected: list[list[int]]
) -> None:
    source = opened(zoo, categories=categories, merge=False)
    assert source.classes == classes
    assert labels(source) == expected
    assert opened(zoo, categories=categories).classes == ("object",)


def test_categories_of_one_name_are_one_class(coco_json: Make) -> None:
    instances = [{"segmentation": [SQUARE], "category_id": category} for category in (0, 5, 1)]
    path = coco_json({"a.png": (6, 9)}, instances, [("person", 0), ("dog", 1), ("person", 5)])
    source = opened(path, merge=False)
    assert source.classes == ("person", "dog")
    assert labels(source) == [[1, 1, 2]]


def test_a_category_without_instances_is_no_class_unless_it_is_chosen(
    coco_json: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Roboflow puts a root category 0 before the others."""
    caplog.set_level(logging.INFO, "pochoir")
    instances = [{"segmentation": [SQUARE], "category_id": 2}]
    path = coco_json({"a.png": (6, 9)}, instances, [("animals", 0), ("person", 1), ("dog", 2)])
    assert opened(path, merge=False).classes == ("dog",)
    assert "without objects, and so not among the classes: animals, person" in caplog.text
    assert opened(path, merge=False, categories=["person", "dog"]).classes == ("person", "dog")


def test_another_file_is_read_in_given_classes(zoo: Path) -> None:
    source = opened(zoo, merge=False, classes=("dog", "cat", "bear", "person"))
    assert labels(source) == [[4, 3, 1], [1], []]
    with pytest.raises(DataError, match=r"has instances of bear, which is none of the classes .* dog, person; choose"):
        opened(zoo, merge=False, classes=("dog", "person"))
