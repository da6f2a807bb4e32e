"""Stages of box heads: alone they are torchvision's, together they move boxes on, agree on scores and share losses."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads, maskrcnn_inference
from torchvision.ops import MultiScaleRoIAlign, box_iou, clip_boxes_to_image

from pochoir.segmentation.cascade import EARLY_REJECTION, MASKS, CascadeRoIHeads, maskness

SIZE = (64, 96)
BOXES = torch.tensor([[8.0, 8.0, 28.0, 56.0], [40.0, 16.0, 60.0, 60.0]])


def stage(iou: float = 0.5, *, boxes: int = 16, **more: Any) -> dict[str, Any]:
    return {
        "box_roi_pool": MultiScaleRoIAlign(["0"], output_size=3, sampling_ratio=2),
        "box_head": TwoMLPHead(4 * 3 * 3, 16),
        "box_predictor": FastRCNNPredictor(16, 2),
        "fg_iou_thresh": iou,
        "bg_iou_thresh": iou,
        "batch_size_per_image": boxes,
        "positive_fraction": 0.5,
        "bbox_reg_weights": None,
        "score_thresh": 0.0,
        "nms_thresh": 0.5,
        "detections_per_img": 20,
        **more,
    }


def masks() -> dict[str, Any]:
    return {
        "mask_roi_pool": MultiScaleRoIAlign(["0"], output_size=6, sampling_ratio=2),
        "mask_head": MaskRCNNHeads(4, [4], 1),
        "mask_predictor": MaskRCNNPredictor(4, 4, 2),
    }


def around(boxes: Tensor, count: int) -> Tensor:
    """Proposals: every box, moved a little, `count` times."""
    moved = boxes.repeat(count, 1)
    return (moved + torch.randn(moved.shape) * 3).clamp(min=0)


@pytest.fixture
def scene() -> tuple[dict[str, Tensor], list[Tensor], list[tuple[int, int]]]:
    """Features of a pyramid of one level, proposals, and the size of one image."""
    torch.manual_seed(0)
    return {"0": torch.randn(1, 4, 16, 24)}, [around(BOXES, 20)], [SIZE]


@pytest.fixture
def targets() -> list[dict[str, Tensor]]:
    drawn = torch.zeros(2, *SIZE, dtype=torch.uint8)
    for mask, (x0, y0, x1, y1) in zip(drawn, BOXES.int().tolist(), strict=True):
        mask[y0:y1, x0:x1] = 1
    return [{"boxes": BOXES, "labels": torch.ones(2, dtype=torch.int64), "masks": drawn}]


class Says(nn.Module):
    """A predictor that says of every box that it is the object with one probability, and lies elsewhere."""

    def __init__(self, probability: float, moves: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)) -> None:
        super().__init__()
        self.logits = torch.tensor([1 - probability, probability]).log()
        self.moves = torch.tensor([0.0] * 4 + list(moves))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits.expand(len(features), -1), self.moves.expand(len(features), -1)


RIGHT = Says(0.9, (1.0, 0.0, 0.0, 0.0))


def test_one_stage_is_torchvisions_heads(scene: Any, targets: list[dict[str, Tensor]]) -> None:
    theirs = RoIHeads(**stage(boxes=2 * MASKS), **masks())  # half of them hold an object: no more than are learnt
    ours = CascadeRoIHeads([], [1.0], **stage(boxes=2 * MASKS), **masks())
    ours.load_state_dict(theirs.state_dict())
    torch.manual_seed(1)
    _, expected = theirs(*scene, targets)
    torch.manual_seed(1)
    none, losses = ours(*scene, targets)
    assert none == []
    assert losses.keys() == expected.keys()
    for name, value in losses.items():
        torch.testing.assert_close(value, expected[name])
    with torch.no_grad():
        detections, losses = ours.eval()(*scene)
        expected_detections, _ = theirs.eval()(*scene)
    assert losses == {}
    assert detections[0].keys() == {*expected_detections[0], "mask_scores"}
    assert len(detections[0]["scores"]) > 0
    for name, value in expected_detections[0].items():
        torch.testing.assert_close(detections[0][name], value)


def test_losses_are_summed_by_their_weights(scene: Any, targets: list[dict[str, Tensor]]) -> None:
    def losses(weights: tuple[float, float]) -> dict[str, Tensor]:
        torch.manual_seed(3)
        heads = CascadeRoIHeads([RoIHeads(**stage())], weights, **stage(0.6), **masks())
        return heads(*scene, targets)[1]

    first, second, both = losses((1.0, 0.0)), losses((0.0, 1.0)), losses((1.0, 0.5))
    for name in ("loss_classifier", "loss_box_reg"):
        assert first[name] > 0
        assert second[name] > 0
        torch.testing.assert_close(both[name], first[name] + 0.5 * second[name])
    torch.testing.assert_close(both["loss_mask"], first["loss_mask"])


def test_scores_are_the_mean_of_the_stages(scene: Any) -> None:
    earlier = RoIHeads(**stage(box_predictor=Says(0.9)))
    heads = CascadeRoIHeads([earlier], [1.0, 1.0], **stage(box_predictor=Says(0.5)), **masks()).eval()
    found = heads(*scene)[0][0]
    assert len(found["scores"]) > 0
    torch.testing.assert_close(found["scores"], torch.full_like(found["scores"], 0.7))


def test_masks_are_ranked_by_what_they_hold_too(scene: Any) -> None:
    heads = CascadeRoIHeads([RoIHeads(**stage())], [1.0, 1.0], **stage(), **masks()).eval()
    found = heads(*scene)[0][0]
    assert len(found["scores"]) > 0
    torch.testing.assert_close(found["mask_scores"], found["scores"] * maskness(found["masks"]))
    assert (found["mask_scores"] < found["scores"]).all()


def test_maskness_is_the_mean_of_the_cells_held() -> None:
    drawn = torch.tensor([[[0.9, 0.7], [0.4, 0.0]], [[0.5, 0.1], [0.1, 0.1]], [[0.4, 0.3], [0.2, 0.1]]])
    torch.testing.assert_close(maskness(drawn[:, None]), torch.tensor([0.8, 0.5, 0.0]))
    assert maskness(torch.zeros(0, 1, 2, 2)).shape == (0,)


def test_a_stage_takes_the_boxes_that_the_one_before_moved() -> None:
    """By a tenth of the width, then by a twentieth: a move of 1 is one where the weight of moves is 10, then 20."""
    first, second = stage(box_predictor=RIGHT), stage(box_predictor=RIGHT, bbox_reg_weights=(20.0, 20.0, 10.0, 10.0))
    heads = CascadeRoIHeads([RoIHeads(**first)], [1, 1], **second, **masks())
    with torch.no_grad():
        found = heads.eval()({"0": torch.randn(1, 4, 16, 24)}, [BOXES], [SIZE])[0][0]
    torch.testing.assert_close(found["boxes"].sort(dim=0).values, BOXES + torch.tensor([3.0, 0.0, 3.0, 0.0]))


def test_a_stage_learns_from_the_boxes_that_the_one_before_moved(scene: Any, targets: list[dict[str, Tensor]]) -> None:
    pooled: list[Tensor] = []
    earlier = RoIHeads(**stage(box_predictor=RIGHT))
    heads = CascadeRoIHeads([earlier], [1, 1], **stage(bbox_reg_weights=(20.0, 20.0, 10.0, 10.0)), **masks())
    for pool in (earlier.box_roi_pool, heads.box_roi_pool):
        pool.register_forward_pre_hook(lambda _, given: pooled.append(given[1][0]))
    heads(*scene, targets)
    before, after = pooled
    moved = before + (before[:, 2:3] - before[:, 0:1]) * torch.tensor([0.1, 0.0, 0.1, 0.0])
    moved = torch.cat([moved.clamp(max=torch.tensor([SIZE[1], SIZE[0]] * 2)), BOXES])
    assert all(torch.isclose(moved, box, atol=1e-4).all(dim=1).any() for box in after)
    assert len(after) > len(BOXES)


def test_moved_boxes_stay_within_the_image() -> None:
    far = Says(0.9, (100.0, 0.0, 0.0, 0.0))
    pooled = []
    heads = CascadeRoIHeads([RoIHeads(**stage(box_predictor=far))], [1, 1], **stage(), **masks()).eval()
    heads.box_roi_pool.register_forward_pre_hook(lambda _, given: pooled.append(given[1][0]))
    with torch.no_grad():
        heads({"0": torch.randn(1, 4, 16, 24)}, [BOXES], [SIZE])
    assert pooled[0][:, 2].max() == SIZE[1]


@pytest.mark.parametrize(("probability", "seen"), [(EARLY_REJECTION / 2, 0), (EARLY_REJECTION * 2, 40)])
def test_unlikely_boxes_are_not_looked_at_again(scene: Any, probability: float, seen: int) -> None:
    looked: list[int] = []
    earlier = RoIHeads(**stage(box_predictor=Says(probability)))
    heads = CascadeRoIHeads([earlier], [1, 1], **stage(), **masks()).eval()
    heads.box_head.register_forward_pre_hook(lambda _, given: looked.append(len(given[0])))
    with torch.no_grad():
        found = heads(*scene)[0][0]
    assert looked == [seen]
    assert (len(found["scores"]) > 0) == (seen > 0)
    assert found["masks"].shape[1:] == (1, 12, 12)


class EveryOther(nn.Module):
    """A predictor that has no use for the second, fourth, ... box, and says of the others what `Says` says."""

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        logits, moves = RIGHT(features)
        useless = torch.arange(len(features)) % 2 == 1
        return torch.where(useless[:, None], torch.tensor([0.0, -9.0]), logits), moves


def test_what_is_left_of_two_images_keeps_its_scores_and_boxes() -> None:
    """7 and 6 boxes side by side, each 8 pixels from the next: the 1st, 3rd, ... stay."""
    row = torch.arange(7.0)[:, None] * 8 + torch.tensor([0.0, 0.0, 8.0, 16.0])
    row[:, [1, 3]] = torch.tensor([0.0, 16.0])
    second = row[:6] + torch.tensor([0.0, 20.0, 0.0, 20.0])
    earlier = RoIHeads(**stage(box_predictor=EveryOther()))
    heads = CascadeRoIHeads([earlier], [1, 1], **stage(box_predictor=Says(0.5)), **masks()).eval()
    with torch.no_grad():
        found = heads({"0": torch.randn(2, 4, 16, 24)}, [row, second], [SIZE, SIZE])[0]
    shift = torch.tensor([0.8, 0.0, 0.8, 0.0])
    # counted over both images: of the second, with an odd number of boxes before it, the 2nd, 4th and 6th stay
    for detections, expected in zip(found, (row[::2] + shift, second[1::2] + shift), strict=True):
        torch.testing.assert_close(detections["boxes"].sort(dim=0).values, expected)
        torch.testing.assert_close(detections["scores"], torch.full((len(expected),), 0.7))


@pytest.mark.parametrize("boxes", [0, 2])
def test_nothing_to_judge_is_nothing_found(boxes: int) -> None:
    """Be it that there is no proposal, or that the first of three stages wants none of them."""
    earlier = [RoIHeads(**stage(box_predictor=Says(EARLY_REJECTION / 2))), RoIHeads(**stage())]
    heads = CascadeRoIHeads(earlier, [1, 1, 1], **stage(), **masks()).eval()
    with torch.no_grad():
        found = heads({"0": torch.randn(1, 4, 16, 24)}, [BOXES[:boxes]], [SIZE])[0][0]
    assert {name: len(value) for name, value in found.items()} == dict.fromkeys(
        ("boxes", "scores", "labels", "masks", "mask_scores"), 0
    )


def test_two_images_keep_their_boxes_apart() -> None:
    torch.manual_seed(0)
    heads = CascadeRoIHeads([RoIHeads(**stage())], [1, 1], **stage(), **masks()).eval()
    features = torch.randn(2, 4, 16, 24)
    proposals = [around(BOXES[:1], 5), around(BOXES, 9)]
    with torch.no_grad():
        together = heads({"0": features}, proposals, [SIZE, SIZE])[0]
        alone = [heads({"0": features[k : k + 1]}, proposals[k : k + 1], [SIZE])[0][0] for k in range(2)]
    for found, expected in zip(together, alone, strict=True):
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value)


def mask_boxes(scene: Any, targets: list[dict[str, Tensor]], change: Callable[[Tensor], Tensor]) -> Tensor:
    """The boxes of one image whose masks are learnt from."""
    learnt = []
    heads = CascadeRoIHeads([RoIHeads(**stage(boxes=64))], [1, 1], **stage(0.6, boxes=64), **masks())
    heads.mask_roi_pool.register_forward_pre_hook(lambda _, given: learnt.append(given[1][0]))
    features, proposals, sizes = scene
    heads(features, [change(proposals[0])], sizes, targets)
    return learnt[0]


def test_masks_are_learnt_from_a_few_boxes_that_hold_an_object(scene: Any, targets: list[dict[str, Tensor]]) -> None:
    boxes = mask_boxes(scene, targets, lambda proposals: proposals)
    assert len(boxes) == MASKS
    assert (box_iou(boxes, BOXES).amax(dim=1) >= 0.6).all()


def test_the_truth_is_among_what_is_learnt_from(scene: Any, targets: list[dict[str, Tensor]]) -> None:
    """Also where no proposal is near an object."""
    boxes = mask_boxes(scene, targets, lambda proposals: proposals * 0 + torch.tensor([70.0, 0.0, 90.0, 8.0]))
    assert all((boxes == box).all(dim=1).any() for box in BOXES)


def two_class_detections(heads: CascadeRoIHeads, features: Any, proposals: list[Tensor], sizes: Any) -> Any:
    """What a cascade of one class found before there were several, written out: boxes, scores and masks."""
    earlier = heads.earlier[0]
    first, moves = earlier.box_predictor(earlier.box_head(earlier.box_roi_pool(features, proposals, sizes)))
    likely = first.softmax(-1)[:, 1] >= EARLY_REJECTION
    moved = earlier.box_coder.decode(moves, proposals).reshape(-1, 2, 4)[:, 1]
    kept = [clip_boxes_to_image(moved, sizes[0])[likely]]
    second, moves = heads.box_predictor(heads.box_head(heads.box_roi_pool(features, kept, sizes)))
    mean = (first.softmax(-1)[likely] + second.softmax(-1)) / 2
    boxes, scores, labels = heads.postprocess_detections(mean.log(), moves, kept, sizes)
    logits = heads.mask_predictor(heads.mask_head(heads.mask_roi_pool(features, boxes, sizes)))
    return boxes[0], scores[0], maskrcnn_inference(logits, labels)[0]


def test_one_class_is_found_as_ever_bit_for_bit(scene: Any) -> None:
    torch.manual_seed(5)
    heads = CascadeRoIHeads([RoIHeads(**stage())], [1, 1], **stage(), **masks()).eval()
    with torch.no_grad():
        heads.earlier[0].box_predictor.cls_score.weight.mul_(40)  # some are rejected, some are not
        found = heads(*scene)[0][0]
        boxes, scores, drawn = two_class_detections(heads, *scene)
    assert 0 < len(scores) < 40
    assert torch.equal(found["boxes"], boxes)
    assert torch.equal(found["scores"], scores)
    assert torch.equal(found["masks"], drawn)


# several classes


class SaysOf(nn.Module):
    """A predictor that gives every box these probabilities, background first, and moves it class by class."""

    def __init__(self, probabilities: list[float], right: list[float]) -> None:
        super().__init__()
        self.logits = torch.tensor(probabilities).log()
        self.moves = torch.tensor([[step, 0.0, 0.0, 0.0] for step in right]).flatten()

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits.expand(len(features), -1), self.moves.expand(len(features), -1)


STILL = [0.0, 0.0, 0.0]


def three_way(first: SaysOf, second: SaysOf) -> CascadeRoIHeads:
    mask_layers = {**masks(), "mask_predictor": MaskRCNNPredictor(4, 4, 3)}
    earlier = RoIHeads(**stage(box_predictor=first))
    return CascadeRoIHeads([earlier], [1, 1], **stage(box_predictor=second), **mask_layers).eval()


def found_in(heads: CascadeRoIHeads, boxes: Tensor = BOXES) -> dict[str, Tensor]:
    with torch.no_grad():
        return heads({"0": torch.randn(1, 4, 16, 24)}, [boxes], [SIZE])[0][0]


def test_every_class_of_a_box_has_the_mean_of_its_probabilities() -> None:
    found = found_in(three_way(SaysOf([0.1, 0.6, 0.3], STILL), SaysOf([0.1, 0.2, 0.7], STILL)))
    by_class = {label: found["scores"][found["labels"] == label] for label in (1, 2)}
    torch.testing.assert_close(by_class[1], torch.tensor([0.4, 0.4]))
    torch.testing.assert_close(by_class[2], torch.tensor([0.5, 0.5]))
    assert torch.equal(found["mask_scores"], found["scores"] * maskness(found["masks"]))


def test_a_class_is_rejected_early_and_the_others_stay_as_likely() -> None:
    """The first stage has the second class unlikely: what the next says of it is not heard, nor shared out."""
    unlikely = EARLY_REJECTION / 2
    found = found_in(three_way(SaysOf([0.4 - unlikely, 0.6, unlikely], STILL), SaysOf([0.1, 0.3, 0.6], STILL)))
    assert found["labels"].tolist() == [1, 1]
    torch.testing.assert_close(found["scores"], torch.tensor([0.45, 0.45]))


def test_a_box_is_moved_as_its_likeliest_class_would_have_it() -> None:
    """By a fifth of the width as the second class, not by two fifths as the first."""
    pooled: list[Tensor] = []
    heads = three_way(SaysOf([0.5, 0.2, 0.3], [0.0, 4.0, 2.0]), SaysOf([0.2, 0.4, 0.4], STILL))
    heads.box_roi_pool.register_forward_pre_hook(lambda _, given: pooled.append(given[1][0]))
    found_in(heads)
    torch.testing.assert_close(pooled[0], BOXES + torch.tensor([4.0, 0.0, 4.0, 0.0]))


def test_in_training_a_box_is_moved_as_the_class_that_it_holds(targets: list[dict[str, Tensor]]) -> None:
    """Also where the stage takes it for another."""
    pooled: list[Tensor] = []
    heads = three_way(SaysOf([0.1, 0.1, 0.8], [0.0, 2.0, 4.0]), SaysOf([0.2, 0.4, 0.4], STILL)).train()
    heads.box_roi_pool.register_forward_pre_hook(lambda _, given: pooled.append(given[1][0]))
    targets[0]["labels"] = torch.tensor([1, 2])
    _, losses = heads({"0": torch.randn(1, 4, 16, 24)}, [BOXES], [SIZE], targets)
    for box, step in zip(BOXES, (4.0, 8.0), strict=True):
        assert any(torch.allclose(one, box + torch.tensor([step, 0.0, step, 0.0])) for one in pooled[0])
    assert all(torch.isfinite(value) for value in losses.values())


def test_a_mask_is_that_of_its_class() -> None:
    heads = three_way(SaysOf([0.1, 0.6, 0.3], STILL), SaysOf([0.1, 0.6, 0.3], STILL))
    with torch.no_grad():
        heads.mask_predictor.mask_fcn_logits.weight.zero_()
        heads.mask_predictor.mask_fcn_logits.bias.copy_(torch.tensor([0.0, 1.0, 3.0]))
    found = found_in(heads)
    for label, logit in ((1, 1.0), (2, 3.0)):
        drawn = found["masks"][found["labels"] == label]
        torch.testing.assert_close(drawn, torch.full_like(drawn, logit).sigmoid())
