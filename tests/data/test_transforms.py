"""Augmentation: each step changes photo and masks together, and nothing when it is switched off."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torchvision import tv_tensors

from pochoir.config import load_config
from pochoir.data.targets import check_target
from pochoir.data.transforms import RandomCrop, RebuildTarget, ScaleJitter, training_transforms

AUGMENT = load_config("train_seg").augment
OFF = AUGMENT.but(flip=0, scale_min=1, scale_max=1, crop=0, photometric=0)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def marked(pair: Callable[..., Any]) -> tuple[tv_tensors.Image, dict[str, Any]]:
    """64 × 80 pixels, black but for the white instance at x 10 to 30, y 20 to 50."""
    _, target = pair(64, 80, (10, 20, 30, 50))
    return tv_tensors.Image(target["masks"].float().repeat(3, 1, 1)), target


def test_everything_off_is_the_identity(pair: Callable[..., Any]) -> None:
    image, target = pair(64, 80, (10, 20, 30, 50), (0, 0, 80, 64))
    augmented, after = training_transforms(OFF)((image, target))
    assert torch.equal(augmented, image)
    assert all(torch.equal(after[key], target[key]) for key in target.keys() - {"name"})
    assert after["name"] == target["name"]


def test_a_flip_mirrors_photo_and_masks(pair: Callable[..., Any]) -> None:
    image, target = pair(64, 80, (10, 20, 30, 50))
    flipped, after = training_transforms(OFF.but(flip=1))((image, target))
    assert torch.equal(flipped, image.flip(-1))
    assert torch.equal(after["masks"], target["masks"].flip(-1))
    assert after["boxes"].tolist() == [[50, 20, 70, 50]]


def test_a_flip_comes_with_its_probability(pair: Callable[..., Any]) -> None:
    sample = pair(8, 8, (0, 0, 4, 8))
    augment = training_transforms(OFF.but(flip=0.25))
    flipped = sum(augment(sample)[1]["boxes"][0, 0].item() == 4 for _ in range(200))
    assert 30 < flipped < 70


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_zoom_keeps_the_frame_and_scales_the_instance(marked: Any, factor: float) -> None:
    image, target = marked
    areas = []
    for _ in range(10):
        zoomed, after = RebuildTarget()(*ScaleJitter((factor, factor))(image, target))
        assert zoomed.shape == image.shape
        check_target(zoomed.clamp(0, 1), after)
        areas += after["area"].tolist()
    assert max(areas) == pytest.approx(20 * 30 * factor**2, rel=0.05)


def test_zooming_out_pads_with_grey_and_no_mask_anywhere(marked: Any) -> None:
    image, target = marked
    zoomed, after = ScaleJitter((0.5, 0.5))(image, target)
    assert after["masks"].sum() == 15 * 10
    grey = (zoomed - 0.5).abs().amax(dim=0) < 1e-6
    assert grey.sum() >= 64 * 80 * 3 // 4 - 100
    assert not (after["masks"][0].bool() & grey).any()


def test_zoomed_photo_and_mask_stay_aligned(marked: Any) -> None:
    for _ in range(10):
        zoomed, after = ScaleJitter((0.8, 1.9))(*marked)
        white, mask = zoomed[0] > 0.55, after["masks"][0].bool()
        assert (white & mask).sum() > 0.8 * (white | mask).sum()  # all but pixels of the edge


def test_zoom_is_log_uniform_between_its_ends(marked: Any) -> None:
    image, target = marked
    jitter = ScaleJitter((0.25, 1.0))
    shares = torch.tensor([float(jitter(image, target)[1]["masks"].sum()) / 600 for _ in range(200)])
    factors = shares.sqrt()
    assert 0.2 < factors.min() < 0.32
    assert 0.85 < factors.max() < 1.05
    assert 0.42 < (factors < 0.5).float().mean() < 0.58  # half below the geometric mean; a third were it uniform


def test_a_crop_is_a_window_of_photo_and_masks_alike(marked: Any) -> None:
    image, target = marked
    sizes = set()
    for _ in range(20):
        cut, after = RandomCrop(1.0, 0.5)(image, target)
        height, width = cut.shape[-2:]
        assert 32 <= height <= 64
        assert 40 <= width <= 80
        assert torch.equal(cut[0], after["masks"][0].float())
        sizes.add((height, width))
    assert len(sizes) > 10
    aspects = [height / width for height, width in sizes]
    assert max(aspects) > 1.3 * min(aspects)


def test_crops_come_with_their_probability(marked: Any) -> None:
    cropped = sum(RandomCrop(0.25, 0.5)(*marked)[0].shape != (3, 64, 80) for _ in range(200))
    assert 30 < cropped < 70


def test_remnants_are_dropped_and_boxes_tightened(pair: Callable[..., Any]) -> None:
    image, target = pair(32, 32, (0, 0, 3, 5), (8, 8, 12, 12), (0, 20, 32, 32))
    target["boxes"] = torch.zeros(3, 4)
    target["area"] = torch.tensor([31.0, 99, 999])  # before they were cut
    _, after = RebuildTarget()(image, target)
    assert after["boxes"].tolist() == [[8, 8, 12, 12], [0, 20, 32, 32]]  # 15 pixels go, 16 stay
    assert (int(after["image_id"]), after["name"]) == (7, "seven.png")


def test_small_objects_stay_unless_they_are_cut(pair: Callable[..., Any]) -> None:
    image, target = pair(32, 32, (0, 0, 3, 5), (10, 10, 11, 11), (28, 0, 32, 4))
    _, after = training_transforms(OFF)((image, target))
    assert after["area"].tolist() == [15, 1, 16]
    _, after = RebuildTarget()(*ScaleJitter((0.5, 0.5))(image, target))
    assert len(after["area"]) >= 2
    moved = {**target, "masks": tv_tensors.Mask(target["masks"].roll(3, dims=-1).clone())}
    moved["masks"][2, :, :10] = 0  # a column of four pixels is left of the third
    _, after = RebuildTarget()(image, moved)
    assert len(after["area"]) == 2


def test_all_instances_may_be_cut_away(pair: Callable[..., Any]) -> None:
    image, target = pair(32, 32, (0, 0, 2, 2))
    target["area"] = target["area"] * 9
    augmented, after = training_transforms(OFF)((image, target))
    assert after["boxes"].shape == (0, 4)
    check_target(augmented, after)


def test_photometric_changes_leave_masks_alone_and_colours_in_range(pair: Callable[..., Any]) -> None:
    image, target = pair(32, 32, (4, 4, 28, 28))
    augment = training_transforms(OFF.but(photometric=1))
    results = [augment((image, target)) for _ in range(20)]
    assert all(changed.min() >= 0 and changed.max() <= 1 for changed, _ in results)
    assert not any(torch.equal(changed, image) for changed, _ in results)
    assert all(torch.equal(after["masks"], target["masks"]) for _, after in results)


def test_colours_beyond_the_range_are_clamped(pair: Callable[..., Any]) -> None:
    image, target = pair(32, 32, (4, 4, 28, 28))
    clamped, _ = training_transforms(OFF)((tv_tensors.Image(image * 3 - 1), target))
    assert (clamped.min(), clamped.max()) == (0, 1)


def test_all_steps_together_keep_the_contract(pair: Callable[..., Any]) -> None:
    augment = training_transforms(AUGMENT.but(flip=0.5, scale_min=0.3, scale_max=3, crop=0.7, photometric=1))
    for _ in range(12):
        check_target(*augment(pair(48, 64, (4, 4, 28, 28), (20, 10, 60, 40))))


def test_classes_stay_with_their_instances(pair: Callable[..., Any]) -> None:
    image, target = pair(64, 80, (0, 0, 3, 3), (10, 20, 30, 50), (40, 0, 80, 64))
    target["labels"] = torch.tensor([1, 3, 2])
    _, after = training_transforms(OFF.but(flip=1))((image, target))
    assert after["boxes"].tolist() == [[77, 0, 80, 3], [50, 20, 70, 50], [0, 0, 40, 64]]
    assert after["labels"].tolist() == [1, 3, 2]
    _, after = RebuildTarget()(
        image, {**target, "area": target["area"] * 3}
    )  # as if all were cut: the first is a speck
    assert after["labels"].tolist() == [3, 2]
