"""Tiles of a photo, and which of what they show is one object."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from pochoir.config import load_config
from pochoir.errors import ConfigError
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.segmenter import Segmenter
from pochoir.segmentation.tiles import OVERLAP, Seen, Tile, cut_off, joined, seen, tiles_of


@pytest.mark.parametrize("size", [(640, 640), (641, 640), (1000, 3000), (6000, 8000), (100, 2000)])
def test_they_cover_the_photo_and_overlap(size: tuple[int, int]) -> None:
    tiles = tiles_of(size, 640)
    covered = np.zeros(size, np.uint8)
    for tile in tiles:
        assert tile.bottom - tile.top == min(640, size[0])
        assert tile.right - tile.left == min(640, size[1])
        covered[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert bool(tiles) == (max(size) > 640)
    assert not tiles or covered.min() == 1
    lefts = sorted({tile.left for tile in tiles})
    assert all(right - left <= 640 * (1 - OVERLAP) + 1 for left, right in pairwise(lefts))


def test_what_ends_at_a_tiles_border_within_the_photo_is_cut_off() -> None:
    tile, size = Tile(0, 100, 200, 300), (200, 400)
    boxes = torch.tensor(
        [
            [150.0, 50, 200, 100],  # within
            [150, 0, 200, 200],  # from the photo's top to its bottom
            [101, 50, 200, 100],  # at the tile's left
            [150, 50, 299, 100],  # at its right
        ]
    )
    assert cut_off(boxes, tile, size).tolist() == [False, False, True, True]


def of(*rows: tuple[list[float], float, bool], labels: list[int] | None = None) -> Seen:
    """Detections of (box, score, whether it is cut off), each filling its box."""
    boxes, scores, cut = (list(column) for column in zip(*rows, strict=True))
    count = len(rows)
    return Seen(
        torch.tensor(boxes),
        torch.tensor(labels or [1] * count),
        torch.tensor(scores),
        torch.tensor(scores),
        torch.ones(count, 28, 28),
        torch.tensor(cut),
    )


def test_parts_of_a_whole_object_go_with_it_whatever_their_scores() -> None:
    whole, left, right = ([0.0, 0, 100, 50], 0.4, False), ([0.0, 0, 60, 50], 0.9, True), ([40.0, 0, 100, 50], 0.8, True)
    assert joined(of(left, right, whole)) == [[2]]


def test_the_better_of_two_views_of_a_whole_object_stays() -> None:
    assert joined(of(([0.0, 0, 100, 50], 0.4, False), ([2.0, 0, 98, 50], 0.9, False))) == [[1]]


def test_neighbours_stay_apart() -> None:
    assert len(joined(of(([0.0, 0, 100, 50], 0.4, False), ([60.0, 0, 160, 50], 0.9, False)))) == 2
    assert len(joined(of(([0.0, 0, 100, 50], 0.4, True), ([60.0, 0, 160, 50], 0.9, True)))) == 2


def test_a_small_whole_object_before_a_large_one_stays() -> None:
    assert len(joined(of(([0.0, 0, 100, 100], 0.9, False), ([40.0, 40, 60, 60], 0.5, False)))) == 2


def test_parts_without_a_whole_are_put_together_one_leading_to_the_next() -> None:
    parts = [([0.0, 0, 100, 50], 0.7, True), ([45.0, 0, 150, 50], 0.9, True), ([95.0, 0, 200, 50], 0.8, True)]
    assert joined(of(*parts)) == [[1, 0, 2]]
    assert joined(of(parts[0])) == [[0]]


def test_masks_decide_whether_parts_overlap() -> None:
    found = of(([0.0, 0, 100, 100], 0.9, True), ([20.0, 0, 120, 100], 0.8, True))
    found.masks[0, 14:] = 0  # the upper half ...
    found.masks[1, :14] = 0  # ... and the lower
    assert len(joined(found)) == 2


def test_objects_of_different_classes_are_never_one() -> None:
    twice = ([0.0, 0, 100, 50], 0.9, False), ([0.0, 0, 100, 50], 0.8, True)
    assert len(joined(of(*twice, labels=[1, 2]))) == 2
    assert len(joined(of(*twice))) == 1


def test_nothing_found_anywhere() -> None:
    nothing = {"boxes": torch.zeros(0, 4), "masks": torch.zeros(0, 28, 28)}
    nothing |= {name: torch.zeros(0) for name in ("labels", "scores", "mask_scores")}
    assert joined(seen([(Tile(0, 0, 50, 50), nothing), (Tile(0, 40, 50, 90), nothing)], (50, 90))) == []


def test_an_object_that_only_tiles_show_in_parts_becomes_one_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar across three tiles of a row: each shows its part of it, and the whole photo nothing."""
    network = build_segmenter(load_config("train_seg", ["segmenter.weights=none"]).segmenter)
    photo = np.zeros((100, 220, 3), np.uint8)
    photo[40:60, 30:190] = 255

    def bright(_: object, image: torch.Tensor) -> dict[str, torch.Tensor]:
        found = image[0].amax(dim=0).nonzero().flatten().tolist() if image.shape[2] == 100 else []
        boxes = torch.tensor([[found[0], 40.0, found[-1] + 1, 60]]) if found else torch.zeros(0, 4)
        score = boxes[:, 2] / 200
        ones = torch.ones(len(boxes), 28, 28)
        columns = {"labels": torch.ones(len(boxes)).long(), "scores": score, "mask_scores": score / 2, "masks": ones}
        return {"boxes": boxes, **columns}

    monkeypatch.setattr("pochoir.segmentation.segmenter.detect", bright)
    find = Segmenter(network, device="cpu", tiles=100)
    monkeypatch.setattr("pochoir.segmentation.tiles.OVERLAP", 0.7)
    found = find(photo)
    assert found.boxes.tolist() == [[30, 40, 190, 60]]
    assert found.scores.tolist() == [0.5]
    assert found.mask_scores.tolist() == [0.25]
    assert found.masks.shape == (1, 100, 220)
    held = found.masks[0] >= 0.5
    assert held[42:58, 32:188].all()
    assert held.sum() < 170 * 24
    assert not len(Segmenter(network, device="cpu")(photo))


def test_tiles_too_small_to_see_in() -> None:
    network = build_segmenter(load_config("train_seg", ["segmenter.weights=none"]).segmenter)
    with pytest.raises(ConfigError, match="tiles: 3 must be at least 64"):
        Segmenter(network, device="cpu", tiles=3)
