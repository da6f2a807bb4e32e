"""What stops a training before its first step, and in which words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import DataLoader

from pochoir.data.coco import CocoInstances
from pochoir.data.dataset import SegmentationDataset, collate, told_by_worker
from pochoir.data.mixture import Mixture
from pochoir.data.source import Sample, Source
from pochoir.data.usable import first_with_object, reasons, require_no_faults
from pochoir.errors import DataError

Make = Callable[..., Any]
SQUARE = [[2, 2, 20, 2, 20, 20, 2, 20]]


def coco(path: Path, **options: Any) -> SegmentationDataset:
    source = CocoInstances(path, path.parent / "photos", **options)
    return SegmentationDataset(source, range(len(source.names)))


def test_the_first_sample_with_an_object_is_found(sample: Callable[..., Sample], source: Make) -> None:
    samples = (
        sample(20, 20),
        sample(20, 20, (1, 1, 9, 9), crowd=(0,)),
        sample(20, 20, (3, 3, 3, 3)),
        sample(20, 20, (1, 1, 9, 9)),
    )
    assert first_with_object(SegmentationDataset(source(*samples), [1, 2, 0, 3]), "train on") == 3


def test_crowds_alone_are_nothing_to_train_on_and_the_remedy_is_told(coco_json: Make) -> None:
    path = coco_json({f"{i}.png": (24, 32) for i in range(3)}, [{"segmentation": SQUARE, "iscrowd": 1}] * 7)
    message = (
        r"none of 3 samples holds an object:\n  - 7 annotations are crowds .*dataset\.crowds=instances.* and 2 more"
    )
    with pytest.raises(DataError, match=message):
        first_with_object(coco(path), "train on")
    assert first_with_object(coco(path, crowds_count=True), "train on") == 0


def test_all_reasons_are_counted(coco_json: Make) -> None:
    lost = [[], [], [[0.1, 0.1, 0.5, 0.1, 0.5, 0.5]], [[-9, -9, -1, -9, -1, -1]], [[3, 3, 9, 3, 3, 3]]]
    path = coco_json({"a.png": (24, 32)}, [{"segmentation": one} for one in lost])
    with pytest.raises(DataError) as caught:
        first_with_object(coco(path), "validate on")
    for line in (
        "nothing to validate on: none of 1 sample holds an object",
        "2 annotations have no outline",
        "1 annotations have coordinates between 0 and 1",
        "1 annotations lie outside their photo",
        "1 annotations are so small or flat",
        "annotation 1, annotation 2",
    ):
        assert line in str(caught.value)


def test_photos_that_are_known_to_hold_nothing_are_not_read_on_the_way(coco_json: Make) -> None:
    path = coco_json({f"{i}.png": (24, 32) for i in range(3)}, [{"segmentation": SQUARE, "image_id": 3}])
    for name in ("0.png", "1.png"):
        (path.parent / "photos" / name).write_text("no picture")
    assert first_with_object(coco(path), "train on") == 2


def test_when_no_sample_can_be_read_the_reasons_are_told(coco_json: Make) -> None:
    path = coco_json({f"{i}.png": (24, 32) for i in range(4)}, [{"segmentation": SQUARE}])
    for number in range(3):
        (path.parent / "photos" / f"{number}.png").write_text("version https://git-lfs.github.com/spec/v1")
    (path.parent / "photos" / "3.png").write_bytes(b"")
    dataset = coco(path)
    dataset.source.holds_objects = lambda index: True
    with pytest.raises(
        DataError, match=r"none of 4 samples can be read:\n  - 3 × .*0\.png: .*git lfs pull.*\n  - 1 × .*empty"
    ):
        first_with_object(dataset, "train on")


def test_missing_photos_are_counted_at_the_start(coco_json: Make) -> None:
    path = coco_json({f"{i}.png": (24, 32) for i in range(9)}, [{"segmentation": SQUARE}])
    for number in range(7):
        (path.parent / "photos" / f"{number}.png").unlink()
    dataset = coco(path)
    message = r"7 of 9 photos are not in .*photos \(.*\): 0\.png, 1\.png, 2\.png, 3\.png, 4\.png and 2 more"
    with pytest.raises(DataError, match=message):
        require_no_faults([dataset])
    mixed = Mixture({"mine": dataset.source})
    with pytest.raises(DataError, match=message):
        require_no_faults([SegmentationDataset(mixed, range(9))])
    require_no_faults([SegmentationDataset(dataset.source, [7, 8])])  # those that are used


def test_annotations_that_cannot_be_read_are_counted_at_the_start(coco_json: Make) -> None:
    broken = [{"segmentation": [[None, 1, 2, 3, 4, 5]], "image_id": 1 + i % 2} for i in range(2)]
    path = coco_json({"a.png": (24, 32), "b.png": (24, 32)}, broken)
    with pytest.raises(
        DataError, match=r"2 annotations cannot be read \(a coordinate is null, NaN .*\): annotation 1 of a"
    ):
        require_no_faults([coco(path)])


def test_failures_that_are_alike_but_for_names_and_numbers_are_one_line() -> None:
    told = [f"/photos/{i}.jpg: is {i}×9 pixels, a.json says 9×9" for i in range(5)] + ["b.png: empty"]
    assert reasons(told) == ["5 × /photos/0.jpg: is 0×9 pixels, a.json says 9×9", "1 × b.png: empty"]
    assert reasons([letter * 3 for letter in "abcdefg"])[-1] == "2 more kinds"


class Broken:
    names = ("a.png",)

    def read(self, index: int) -> Sample:
        raise DataError(f"a.png: sample {index} is broken: it says why")


def test_an_error_in_a_loading_process_is_told_without_its_traceback(source: Callable[..., Source]) -> None:
    loader = DataLoader(SegmentationDataset(Broken(), [0]), num_workers=1, collate_fn=collate)
    with pytest.raises(DataError, match="Traceback") as caught:
        list(loader)
    assert str(told_by_worker(caught.value)) == "a.png: sample 0 is broken: it says why"
    assert str(told_by_worker(DataError("as it is"))) == "as it is"


def test_a_sample_that_is_empty_by_itself_is_told(source: Make) -> None:
    nothing = Sample(np.zeros((9, 9, 3), np.uint8), np.zeros((0, 9, 9), bool), np.zeros(0, bool))
    with pytest.raises(DataError, match="there are no annotations"):
        first_with_object(SegmentationDataset(source(nothing), [0]), "train on")
