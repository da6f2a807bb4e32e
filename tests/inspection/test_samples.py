"""What `check_data` says of samples: counts, oddities, copies, and samples that cannot be used."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pochoir.data.dataset import SegmentationDataset
from pochoir.data.shrinking import InputSize
from pochoir.data.source import Remark, Sample
from pochoir.errors import DataError
from pochoir.inspection.samples import look_at, read_all, report_samples, summary


def photo(*boxes: tuple[int, int, int, int], seed: int = 0, remarks: tuple[Remark, ...] = ()) -> Sample:
    """A noise photo of 40 × 60 pixels whose masks fill boxes of x0, y0, x1, y1."""
    masks = np.zeros((len(boxes), 40, 60), dtype=bool)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
        mask[y0:y1, x0:x1] = True
    noise = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Sample(noise, masks, np.zeros(len(boxes), dtype=bool), remarks=remarks)


class Photos:
    def __init__(self, *samples: Sample | str) -> None:
        self.names = [f"{number}.png" for number in range(len(samples))]
        self.samples = samples

    def read(self, index: int) -> Sample:
        sample = self.samples[index]
        if isinstance(sample, str):
            raise DataError(f"{index}.png: {sample}")
        return sample


def data_of(train: Photos, val: Photos) -> Any:
    parts = {name: SegmentationDataset(part, range(len(part.names))) for name, part in (("train", train), ("val", val))}
    return SimpleNamespace(**parts, test=[], input_size=InputSize(40, 60))


def told(sample: Sample, **options: Any) -> list[str]:
    return [f"{remark.where}: {remark.what}" for remark in look_at("a.png", sample, **options).remarks]


def test_a_good_sample_is_counted_and_not_remarked_on() -> None:
    report = look_at("a.png", photo((0, 0, 30, 20), (30, 20, 60, 40)), seen_at=InputSize(40, 60), most=2)
    assert report.remarks == ()
    assert (report.size, report.shares, report.crowds) == ((40, 60), (0.25, 0.25), 0)


@pytest.mark.parametrize(
    ("boxes", "where", "what"),
    [
        ([(5, 5, 20, 20), (0, 0, 60, 40)], "a.png 1", "all of their picture"),
        ([(5, 5, 45, 7)], "a.png 0", "no solid core"),
        ([(5, 5, 20, 20), (1, 1, 9, 9), (5, 5, 20, 20)], "a.png 2", "exact copies"),
        ([(5, 5, 8, 10)], "a.png 0", "smaller than 16 pixels to the network"),
        ([(0, 0, 9, 9), (9, 9, 20, 20), (30, 9, 40, 20), (20, 20, 40, 40)], r"a.png (4)", "segmenter.max_detections=3"),
    ],
)
def test_odd_samples_are_remarked_on(boxes: list[tuple[int, int, int, int]], where: str, what: str) -> None:
    (remark,) = told(photo(*boxes), seen_at=InputSize(40, 60), most=3)
    assert remark.startswith(f"{where}: ")
    assert what in remark


def test_what_is_small_is_so_to_the_network() -> None:
    few = photo((5, 5, 8, 10), (20, 20, 30, 30))
    assert told(few, seen_at=InputSize(80, 120)) == []
    assert len(told(few, seen_at=InputSize(40, 60, zoom=1.3))) == 1
    assert len(told(few, seen_at=InputSize(10, 15))) == 2


def test_all_remarks_are_written_down_with_their_places(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    crowds = tuple(Remark(f"annotation {number}", "annotations are crowds") for number in range(8))
    box = (5, 5, 30, 30)
    with caplog.at_level(logging.INFO):
        report_samples(data_of(Photos(photo(box, remarks=crowds)), Photos(photo(box, seed=1))), tmp_path, most=9)
    assert "8 annotations are crowds: annotation 0, annotation 1" in caplog.text
    written = json.loads((tmp_path / "data.json").read_text())
    (remark,) = written["train"]["remarks"]
    assert (remark["count"], remark["not_trained_on"]) == (8, True)
    assert remark["where"] == [f"annotation {number}" for number in range(8)]
    assert written["val"]["remarks"] == written["copies"] == []
    assert (tmp_path / "samples.png").exists()


def test_equal_pictures_are_told_also_of_two_parts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    box = (5, 5, 30, 30)
    train = Photos(photo(box), photo(box, seed=1), photo((0, 0, 9, 9), seed=1))
    with caplog.at_level(logging.INFO):
        report_samples(data_of(train, Photos(photo(box))), tmp_path, most=9)
    copies = json.loads((tmp_path / "data.json").read_text())["copies"]
    assert copies == [["train: 0.png", "val: 0.png"], ["train: 1.png", "train: 2.png"]]
    assert "2 pictures are there more than once: train: 0.png = val: 0.png" in caplog.text


def test_samples_that_cannot_be_used_end_it_with_their_reasons(tmp_path: Path) -> None:
    train = Photos(photo((5, 5, 30, 30)), "is 7 pixels wide", "is 8 pixels wide", "is empty")
    with pytest.raises(
        DataError, match=r"3 samples cannot be used:\n  - 2 × 1\.png: is 7 .*\n  - 1 × 3\.png: is empty"
    ):
        report_samples(data_of(train, Photos(photo((5, 5, 30, 30)))), tmp_path, most=9)
    assert len(json.loads((tmp_path / "data.json").read_text())["train"]["problems"]) == 3


def test_nothing_to_train_on_or_to_validate_on_ends_it(tmp_path: Path) -> None:
    full, empty = Photos(photo((5, 5, 30, 30))), Photos(photo(seed=1))
    for train, val, message in ((empty, full, "nothing to train on"), (full, empty, "nothing to validate on")):
        with pytest.raises(DataError, match=message):
            report_samples(data_of(train, val), tmp_path, most=9)


def test_photos_of_crowds_alone_are_without_objects() -> None:
    crowd = replace(photo((5, 5, 30, 30)), crowd=np.ones(1, dtype=bool))
    counts = summary([look_at("a.png", crowd), look_at("b.png", photo((5, 5, 30, 30)))], 2)
    assert (counts["instances"], counts["crowd_regions"], counts["images_without_objects"]) == (1, 1, 1)


def test_a_limit_takes_samples_evenly(tmp_path: Path) -> None:
    many = SegmentationDataset(Photos(*(photo((5, 5, 30, 30), seed=seed) for seed in range(9))), range(9))
    reports = read_all(many, "train", seen_at=None, most=9, limit=3)
    assert [report.name for report in reports] == ["0.png", "3.png", "6.png"]
    assert summary(reports, 9)["looked_at"] == "3 of 9"


def test_processes_report_what_this_one_does() -> None:
    many = SegmentationDataset(Photos(*(photo((5, 5, 9, 9 + seed % 20), seed=seed) for seed in range(40))), range(40))
    assert read_all(many, "train", seen_at=None, most=9, limit=None) == [
        look_at(f"{seed}.png", photo((5, 5, 9, 9 + seed % 20), seed=seed), most=9) for seed in range(40)
    ]
