"""The target contract: what masks decide, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torchvision.ops import masks_to_boxes

from pochoir.data.targets import boxes_from_masks, check_target, make_target
from pochoir.errors import DataError


def filled(height: int, width: int, x0: int, y0: int, x1: int, y1: int) -> torch.Tensor:
    mask = torch.zeros(height, width, dtype=torch.bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_boxes_are_tight_with_exclusive_ends() -> None:
    masks = torch.stack([filled(9, 13, 2, 3, 7, 5), filled(9, 13, 0, 0, 13, 9), filled(9, 13, 12, 8, 13, 9)])
    assert boxes_from_masks(masks).tolist() == [[2, 3, 7, 5], [0, 0, 13, 9], [12, 8, 13, 9]]
    assert boxes_from_masks(masks.to(torch.uint8) * 255).dtype == torch.float32


def test_boxes_hold_all_pixels_of_a_mask_in_pieces() -> None:
    mask = filled(9, 13, 1, 6, 2, 8) | filled(9, 13, 9, 2, 11, 3)
    assert boxes_from_masks(mask[None]).tolist() == [[1, 2, 11, 8]]


def test_a_mask_of_one_pixel_has_a_box_of_one_pixel_where_torchvision_has_an_empty_one() -> None:
    mask = filled(5, 5, 2, 3, 3, 4)[None]
    x0, y0, x1, y1 = boxes_from_masks(mask)[0]
    assert (x1 - x0) * (y1 - y0) == 1
    assert masks_to_boxes(mask).tolist() == [[2, 3, 2, 3]]


def test_area_is_the_masks_not_the_boxes() -> None:
    ring = filled(20, 20, 2, 2, 12, 12) & ~filled(20, 20, 3, 3, 11, 11)
    target = make_target(ring[None], torch.zeros(1, dtype=torch.bool), 3, "ring.png")
    assert target["area"].tolist() == [36]
    assert target["boxes"].tolist() == [[2, 2, 12, 12]]


def test_empty_masks_are_dropped_with_their_crowd_flag() -> None:
    masks = torch.stack([torch.zeros(6, 8, dtype=torch.bool), filled(6, 8, 1, 1, 3, 3), filled(6, 8, 0, 0, 8, 6)])
    target = make_target(masks, torch.tensor([True, False, True]), 3, "a.png")
    assert target["masks"].tolist() == masks[1:].int().tolist()
    assert target["iscrowd"].tolist() == [0, 1]
    assert target["labels"].tolist() == [1, 1]
    assert (int(target["image_id"]), target["name"]) == (3, "a.png")


@pytest.mark.parametrize("masks", [torch.zeros(0, 6, 8), torch.zeros(2, 6, 8)])
def test_a_photo_without_objects_is_a_legal_sample(masks: torch.Tensor) -> None:
    target = make_target(masks.bool(), torch.zeros(len(masks), dtype=torch.bool), 1, "empty.png")
    shapes = {key: tuple(target[key].shape) for key in ("boxes", "labels", "masks", "area", "iscrowd")}
    assert shapes == {"boxes": (0, 4), "labels": (0,), "masks": (0, 6, 8), "area": (0,), "iscrowd": (0,)}
    check_target(torch.zeros(3, 6, 8), target)


def test_dtypes_are_those_of_torchvisions_detectors() -> None:
    target = make_target(filled(6, 8, 1, 1, 3, 3)[None], torch.tensor([True]), 1, "a.png")
    dtypes = {key: value.dtype for key, value in target.items() if key != "name"}
    assert dtypes == {
        "image_id": torch.int64,
        "boxes": torch.float32,
        "labels": torch.int64,
        "masks": torch.uint8,
        "area": torch.float32,
        "iscrowd": torch.int64,
    }


def test_a_good_target_passes(pair: Callable[..., Any]) -> None:
    check_target(*pair(12, 16, (1, 2, 5, 9), (15, 11, 16, 12)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": torch.zeros(3, 12, 16, dtype=torch.uint8)}, "uint8"),
        ({"image": torch.zeros(1, 12, 16)}, r"\[1, 12, 16\]"),
        ({"image": torch.full((3, 12, 16), 1.5)}, "from 1.5 to 1.5"),
        ({"image": torch.full((3, 12, 16), -0.1)}, "from -0.1 to -0.1"),
        ({"image": torch.full((3, 12, 16), torch.nan)}, "nan"),
        ({"image": torch.zeros(3, 16, 12)}, r"masks are \[12, 16\], the image is \[16, 12\]"),
        ({"boxes": torch.tensor([[1.0, 2, 4, 8]])}, "boxes are not the tight boxes"),
        ({"boxes": torch.zeros(0, 4)}, r"boxes has shape \[0, 4\], not \[1, 4\]"),
        ({"boxes": torch.tensor([[1, 2, 5, 9]])}, "boxes are torch.int64, not torch.float32"),
        ({"labels": torch.tensor([2])}, r"labels \[2\] are not all 1"),
        ({"labels": torch.tensor([0])}, r"labels \[0\] are not all 1"),
        ({"labels": torch.tensor([1, 1])}, r"labels has shape \[2\]"),
        ({"masks": torch.zeros(1, 12, 16, dtype=torch.uint8)}, "a mask is empty"),
        ({"masks": filled(12, 16, 1, 2, 5, 9)[None].to(torch.uint8) * 255}, "mask values reach 255"),
        ({"masks": filled(12, 16, 1, 2, 5, 9)[None]}, "masks are torch.bool"),
        ({"area": torch.tensor([20.0])}, "area is not the masks' number of pixels"),
        ({"area": torch.zeros(1, 1)}, r"area has shape \[1, 1\]"),
        ({"iscrowd": torch.zeros(0, dtype=torch.int64)}, "iscrowd has shape"),
        ({"iscrowd": torch.tensor([2])}, r"iscrowd \[2\] is neither 0 nor 1"),
        ({"iscrowd": torch.tensor([False])}, "iscrowd are torch.bool"),
    ],
)
def test_a_broken_target_is_refused_by_name(pair: Callable[..., Any], changes: dict[str, Any], message: str) -> None:
    image, target = pair(12, 16, (1, 2, 5, 9))
    with pytest.raises(DataError, match=rf"^seven\.png: .*{message}"):
        check_target(changes.get("image", image), target | changes)


def test_all_problems_are_reported_at_once(pair: Callable[..., Any]) -> None:
    image, target = pair(12, 16, (1, 2, 5, 9))
    with pytest.raises(DataError, match=r"outside \[0, 1\]; labels has shape"):
        check_target(image + 2, target | {"labels": torch.ones(4, dtype=torch.int64)})


def test_labels_are_those_of_the_masks_that_are_kept() -> None:
    masks = torch.stack([torch.zeros(6, 8, dtype=torch.bool), filled(6, 8, 1, 1, 3, 3), filled(6, 8, 0, 0, 8, 6)])
    target = make_target(masks, torch.zeros(3, dtype=torch.bool), 3, "a.png", torch.tensor([1, 3, 2]))
    assert target["labels"].tolist() == [3, 2]
    check_target(torch.zeros(3, 6, 8), target, 3)
    with pytest.raises(DataError, match=r"^a\.png: labels \[2, 3\] are not all from 1 to 2$"):
        check_target(torch.zeros(3, 6, 8), target, 2)
