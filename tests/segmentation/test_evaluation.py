"""Each trap of measuring COCO AP, sprung on purpose: the number that a wrong evaluation would give is another."""

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from pochoir.data.targets import make_target
from pochoir.segmentation.evaluation import (
    ImageRecord,
    IouType,
    PrecisionRecall,
    average_precision,
    best_f1,
    coco_dictionary,
    decode_mask,
    encode_masks,
    evaluate,
    record,
    unique_records,
)

SIZE = (120, 160)


def rectangle(x0: int, y0: int, x1: int, y1: int, size: tuple[int, int] = SIZE) -> torch.Tensor:
    mask = torch.zeros(size)
    mask[y0:y1, x0:x1] = 1
    return mask


def output_of(masks: list[torch.Tensor], scores: list[float], size: tuple[int, int] = SIZE) -> dict[str, torch.Tensor]:
    """What torchvision's Mask R-CNN returns for one image, boxes tight around the masks."""
    stacked = torch.stack(masks) if masks else torch.zeros(0, *size)
    target = make_target(stacked > 0.5, torch.zeros(len(masks), dtype=torch.bool), 1, "")
    return {
        "boxes": torch.as_tensor(target["boxes"]).reshape(-1, 4),
        "labels": torch.ones(len(masks), dtype=torch.int64),
        "scores": torch.tensor(scores),
        "masks": stacked[:, None],
    }


def image_record(
    truth: list[torch.Tensor],
    found: list[torch.Tensor],
    scores: list[float] | None = None,
    *,
    crowd: list[bool] | None = None,
    image_id: int = 1,
) -> ImageRecord:
    masks = torch.stack(truth) if truth else torch.zeros(0, *SIZE)
    target = make_target(masks > 0, torch.tensor(crowd or [False] * len(truth), dtype=torch.bool), image_id, "x")
    return record(target, output_of(found, scores or [0.9] * len(found)))


A, B, C = rectangle(10, 10, 40, 100), rectangle(60, 20, 90, 110), rectangle(110, 5, 150, 115)


def test_a_single_perfect_detection_scores_one() -> None:
    """Annotation ids start at 1: pycocotools takes a match with annotation 0 for no match."""
    metrics = evaluate([image_record([A], [A])]).metrics
    assert metrics["mask_ap"] == pytest.approx(1.0)
    assert metrics["box_ap"] == pytest.approx(1.0)
    assert metrics["mask_ar100"] == pytest.approx(1.0)


def test_agrees_with_pycocotools_called_by_hand() -> None:
    rng = np.random.default_rng(0)
    records = []
    for image_id in range(1, 13):
        truth, found = [], []
        for _ in range(rng.integers(0, 4)):
            x, y, w, h = rng.integers(0, 90), rng.integers(0, 60), rng.integers(8, 60), rng.integers(8, 50)
            truth.append(rectangle(x, y, x + w, y + h))
            dx, dy = rng.integers(-6, 7, 2)
            found.append(rectangle(max(0, x + dx), max(0, y + dy), x + dx + w, y + dy + h))
        if rng.random() < 0.4:
            found.append(rectangle(0, 0, 30, 30))
        records.append(image_record(truth, found, rng.random(len(found)).tolist(), image_id=image_id))
    metrics = evaluate(records).metrics

    truth_json = coco_dictionary(records)
    for kind, iou_type in (("box", "bbox"), ("mask", "segm")):
        coco = COCO()
        coco.dataset = truth_json
        results = [
            {"image_id": item.image_id, "category_id": 1, "score": found["score"]}
            | ({"bbox": found["bbox"]} if kind == "box" else {"segmentation": found["segmentation"]})
            for item in records
            for found in item.detections
        ]
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
            reference = COCOeval(coco, coco.loadRes(results), iou_type)
            reference.evaluate()
            reference.accumulate()
            reference.summarize()
        for name, index in (("ap", 0), ("ap50", 1), ("ap75", 2), ("ap_small", 3), ("ap_medium", 4), ("ar100", 8)):
            assert metrics[f"{kind}_{name}"] == pytest.approx(reference.stats[index], abs=1e-12), (kind, name)
        assert 0.05 < metrics[f"{kind}_ap"] < 0.95  # else the comparison says little


def test_masks_are_ranked_by_scores_of_their_own() -> None:
    """A good box with a bad mask, and the other way round: each kind is perfect by the scores made for it alone."""
    target = make_target(A[None] > 0, torch.zeros(1, dtype=torch.bool), 1, "x")
    output = output_of([A, C], [0.9, 0.8])
    output["masks"] = output["masks"].flip(0)
    plain = evaluate([record(target, output)]).metrics
    assert (plain["box_ap"], plain["mask_ap"]) == (pytest.approx(1.0), pytest.approx(0.5))
    own = evaluate([record(target, output | {"mask_scores": torch.tensor([0.4, 0.7])})])
    assert (own.metrics["box_ap"], own.metrics["mask_ap"]) == (pytest.approx(1.0), pytest.approx(1.0))
    assert own.metrics["mask_f1_threshold"] == pytest.approx(0.7)
    assert own.metrics["box_f1_threshold"] == pytest.approx(0.9)


def test_masks_are_compared_at_the_size_of_the_photo() -> None:
    item = image_record([A], [A])
    assert item.size == SIZE
    assert item.truth[0]["segmentation"]["size"] == list(SIZE)
    assert item.detections[0]["segmentation"]["size"] == list(SIZE)


def test_the_area_of_a_truth_is_its_masks_not_its_boxs() -> None:
    """A thin diagonal has a large box and a small mask: it belongs to the small ones."""
    diagonal = torch.zeros(SIZE)
    for step in range(100):
        diagonal[step, step : step + 5] = 1
    assert float(diagonal.sum()) < 32**2 < 100 * 104
    metrics = evaluate([image_record([diagonal], [diagonal])]).metrics
    assert metrics["mask_ap_small"] == pytest.approx(1.0)
    assert "mask_ap_large" not in metrics
    assert "box_ap_large" not in metrics


def test_a_detections_mask_area_decides_its_bucket_not_its_box() -> None:
    """With `bbox` left in the results, pycocotools would count the unmatched diagonal among the large ones."""
    diagonal = torch.zeros(SIZE)
    for step in range(110):
        diagonal[step, step : step + 5] = 1
    item = image_record([C], [C, diagonal], [0.8, 0.9])
    assert evaluate([item]).metrics["mask_ap_medium"] == pytest.approx(1.0)


def test_more_than_ten_instances_count() -> None:
    """maxDets [1, 10, 100]: with another list the AP is -1, with 10 at most it would be too low."""
    small = [rectangle(x, y, x + 8, y + 8) for x in range(0, 150, 12) for y in (0, 40, 80)]
    assert len(small) > 30
    metrics = evaluate([image_record(small, small)]).metrics
    assert metrics["mask_ap"] == pytest.approx(1.0)


def test_uncertain_detections_raise_ap() -> None:
    """One threshold for showing and evaluating lowers AP: what is found at .1 counts too."""
    sure = evaluate([image_record([A, B], [A], [0.9])]).metrics["mask_ap"]
    unsure = evaluate([image_record([A, B], [A, B], [0.9, 0.1])]).metrics["mask_ap"]
    assert sure == pytest.approx(0.505, abs=0.01)
    assert unsure == pytest.approx(1.0)


def test_a_crowd_is_ignored_and_not_forgotten() -> None:
    """Detections inside a crowd are no false positives; dropping the crowd would make them such."""
    inside = [rectangle(112, 10 + 20 * k, 148, 25 + 20 * k) for k in range(2)]
    with_crowd = image_record([A, C], [A, *inside], [0.5, 0.9, 0.8], crowd=[False, True])
    assert evaluate([with_crowd]).metrics["mask_ap"] == pytest.approx(1.0)
    forgotten = image_record([A], [A, *inside], [0.5, 0.9, 0.8])
    assert evaluate([forgotten]).metrics["mask_ap"] == pytest.approx(1 / 3, abs=0.01)


def test_photos_without_objects_are_evaluated() -> None:
    clean = evaluate([image_record([A], [A]), image_record([], [], image_id=2)]).metrics
    assert clean["mask_ap"] == pytest.approx(1.0)
    alarmed = evaluate([image_record([A], [A], [0.5]), image_record([], [B], [0.9], image_id=2)]).metrics
    assert alarmed["mask_ap"] == pytest.approx(0.5)


def test_nothing_found_is_zero_and_nothing_there_is_no_number() -> None:
    assert evaluate([image_record([A], [])]).metrics["mask_ap"] == 0.0
    assert evaluate([image_record([], [A])]).metrics == {}


def test_empty_size_buckets_are_left_out() -> None:
    metrics = evaluate([image_record([A], [A])]).metrics
    assert min(metrics.values()) >= 0
    assert "mask_ap_medium" in metrics
    assert "mask_ap_small" not in metrics


def test_a_photo_seen_twice_counts_once() -> None:
    """Distributed samplers pad: a repeated failure would weigh double."""
    good, bad = image_record([A], [A]), image_record([B], [], image_id=2)
    once = evaluate([good, bad]).metrics
    assert evaluate([good, bad, bad, bad]).metrics == once
    assert [item.image_id for item in unique_records([bad, good, bad])] == [1, 2]


def test_order_of_the_records_does_not_matter() -> None:
    records = [image_record([A, B], [A, rectangle(55, 25, 88, 100)], image_id=i) for i in (1, 2, 3)]
    records[1] = replace(records[1], detections=records[1].detections[:1])
    assert evaluate(records).metrics == evaluate(records[::-1]).metrics


def test_masks_are_thresholded_at_a_half_as_they_come() -> None:
    soft = A * 0.49 + rectangle(60, 0, 70, 10) * 0.5
    item = image_record([A], [A])
    coded = record(
        make_target(A[None] > 0, torch.tensor([False]), 1, "x"),
        {
            "boxes": torch.tensor([[0.0, 0, 9, 9]]),
            "labels": torch.tensor([1]),
            "scores": torch.tensor([0.9]),
            "masks": soft[None, None],
        },
    )
    assert decode_mask(coded.detections[0]["segmentation"]).sum() == 100
    assert isinstance(item.detections[0]["segmentation"]["counts"], str)  # JSON takes no bytes


def test_run_length_masks_come_back() -> None:
    masks = np.random.default_rng(0).random((3, 37, 53)) > 0.5
    codes = encode_masks(masks)
    assert all(np.array_equal(decode_mask(code), mask) for code, mask in zip(codes, masks, strict=True))
    assert encode_masks(masks[:0]) == []


def test_curves_hold_ap() -> None:
    evaluation = evaluate([image_record([A, B, C], [A, B], [0.9, 0.4])])
    curve = evaluation.curves["mask", 0.5]
    assert curve.precision.mean() == pytest.approx(evaluation.metrics["mask_ap50"])
    reached = curve.recall[curve.precision > 0].max()
    assert reached == pytest.approx(2 / 3, abs=0.01)
    assert curve.score[10] == pytest.approx(0.9)
    assert curve.score[60] == pytest.approx(0.4)


def test_the_best_f1_is_found_with_its_threshold() -> None:
    recall = np.linspace(0, 1, 101)
    precision = np.where(recall <= 0.8, 0.9, 0.0)
    score = np.where(recall <= 0.8, 1 - recall, 0.0)
    f1, threshold = best_f1(PrecisionRecall(recall, precision, score))
    assert f1 == pytest.approx(2 * 0.9 * 0.8 / 1.7)
    assert threshold == pytest.approx(0.2)


def test_nothing_found_has_no_f1() -> None:
    nothing = np.zeros(101)
    assert best_f1(PrecisionRecall(np.linspace(0, 1, 101), nothing, nothing)) == (0.0, 0.0)


def of_class(item: ImageRecord, label: int) -> ImageRecord:
    """The same of another class."""
    relabelled = [[{**one, "category_id": label} for one in ones] for ones in (item.truth, item.detections)]
    return replace(item, truth=relabelled[0], detections=relabelled[1])


def joined(first: ImageRecord, second: ImageRecord) -> ImageRecord:
    return replace(first, truth=first.truth + second.truth, detections=first.detections + second.detections)


@pytest.fixture
def two_classes() -> list[tuple[ImageRecord, ImageRecord]]:
    """Photos with discs that are found well, of label 1, and bars that are found badly, of label 2."""
    well = [image_record([A], [A], [0.9 - 0.1 * k], image_id=k) for k in (1, 2)]
    badly = [image_record([B, C], [rectangle(64, 20, 90, 110)], [0.6 - 0.1 * k], image_id=k) for k in (1, 2)]
    return list(zip(well, [of_class(item, 2) for item in badly], strict=True))


def test_each_class_is_measured_as_it_is_alone(two_classes: list[tuple[ImageRecord, ImageRecord]]) -> None:
    metrics = evaluate([joined(*items) for items in two_classes], ("disc", "bar")).metrics
    for number, name in enumerate(("disc", "bar")):
        alone = evaluate([of_class(items[number], 1) for items in two_classes]).metrics
        for metric in ("mask_ap", "mask_ap50", "mask_ap75", "box_ap", "box_ap50", "box_ap75"):
            assert metrics[f"{metric}/{name}"] == pytest.approx(alone[metric])
    assert metrics["mask_ap/disc"] == pytest.approx(1.0)
    assert 0 < metrics["mask_ap/bar"] < 0.6
    assert metrics["mask_ap"] == pytest.approx((metrics["mask_ap/disc"] + metrics["mask_ap/bar"]) / 2)


def test_an_object_that_is_found_as_another_class_is_not_found() -> None:
    item = image_record([A, B], [A, B], [0.9, 0.8])
    wrong = replace(item, detections=[{**one, "category_id": 2} for one in item.detections])
    mixed = joined(wrong, of_class(image_record([C], [C], [0.95]), 2))
    metrics = evaluate([mixed], ("disc", "bar")).metrics
    assert metrics["mask_ap/disc"] == 0
    assert metrics["mask_ap/bar"] == pytest.approx(1.0)  # its own is found, and first
    assert evaluate([item], ("disc", "bar")).metrics["mask_ap/disc"] == pytest.approx(1.0)


def test_a_class_without_objects_has_no_ap_and_no_part_in_the_mean(
    two_classes: list[tuple[ImageRecord, ImageRecord]],
) -> None:
    evaluation = evaluate([items[1] for items in two_classes], ("disc", "bar", "cone"))
    assert {name for name in evaluation.metrics if "/" in name} == {
        f"{kind}_{metric}/bar" for kind in ("mask", "box") for metric in ("ap", "ap50", "ap75", "ap_medium")
    }
    assert evaluation.metrics["mask_ap"] == pytest.approx(evaluation.metrics["mask_ap/bar"])
    assert evaluation.by_class.keys() == {"bar"}
    of_classes = evaluation.of_classes(("disc", "bar", "cone"))
    assert list(of_classes) == ["disc", "bar", "cone"]  # in the order of their labels, whether there are any or not
    assert of_classes["disc"].metrics == {}
    assert of_classes["bar"].metrics["mask_ap_medium"] == evaluation.metrics["mask_ap_medium"]


@pytest.mark.parametrize(("kind", "iou_type"), [("mask", "segm"), ("box", "bbox")])
def test_ap_at_one_iou_is_that_of_the_whole_evaluation(
    two_classes: list[tuple[ImageRecord, ImageRecord]], kind: str, iou_type: IouType
) -> None:
    records, classes = [joined(*items) for items in two_classes], ("disc", "bar", "cone")
    metrics = evaluate(records, classes).metrics
    for name, iou in (("ap50", 0.5), ("ap75", 0.75)):
        alone = average_precision(records, classes, iou_type, iou)
        assert alone == {of: pytest.approx(metrics[f"{kind}_{name}/{of}"]) for of in ("disc", "bar")}
        assert 0 < alone["bar"] < 1 == pytest.approx(alone["disc"])


def test_one_class_is_told_once() -> None:
    evaluation = evaluate([image_record([A], [A])], ("disc",))
    assert not [name for name in evaluation.metrics if "/" in name]
    assert evaluation.by_class == {}


def test_curves_of_classes_hold_their_ap(two_classes: list[tuple[ImageRecord, ImageRecord]]) -> None:
    evaluation = evaluate([joined(*items) for items in two_classes], ("disc", "bar"))
    for name, curves in evaluation.by_class.items():
        assert curves["mask", 0.5].precision.mean() == pytest.approx(evaluation.metrics[f"mask_ap50/{name}"])
    assert evaluation.curves["mask", 0.5].precision.mean() == pytest.approx(evaluation.metrics["mask_ap50"])


def test_the_best_f1_of_several_classes_is_by_one_threshold() -> None:
    """The first is best by .5, the second by .3; by .3 the first takes false alarms along."""
    recall = np.linspace(0, 1, 101)
    first = PrecisionRecall(recall, np.where(recall <= 0.5, 1.0, 0.4), np.where(recall <= 0.5, 0.5, 0.3))
    second = PrecisionRecall(recall, np.ones(101), np.full(101, 0.3))
    f1, threshold = best_f1(first, second)
    assert threshold == pytest.approx(0.3)
    assert f1 == pytest.approx((2 * 0.4 / 1.4 + 1) / 2)
    nothing = np.zeros(101)
    assert best_f1(*[PrecisionRecall(recall, nothing, nothing)] * 2) == (0.0, 0.0)
