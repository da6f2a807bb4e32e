"""From masks to alphas: exact away from the edge, at the photo's edge near it."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pochoir.composition.edges import alpha_of, distances, exclusive, feathered, predicted_radius, refined
from pochoir.config import load_config
from pochoir.segmentation.pasting import pasted

REGION = load_config("partial").region
PHOTO = np.full((60, 80, 3), 40, dtype=np.uint8)
PHOTO[15:45, 20:60] = 210  # an object with a sharp edge
TRUE = PHOTO[..., 0] > 100


def test_alpha_is_exact_away_from_the_edge() -> None:
    alpha = alpha_of(TRUE.astype(np.float32), PHOTO, REGION.but(feather=2), radius=3)
    inside, outside = distances(TRUE)
    assert (alpha[inside > 6] == 1).all()
    assert (alpha[outside > 6] == 0).all()
    assert ((alpha > 0) & (alpha < 1)).any()
    assert np.allclose(alpha * 255, np.rint(alpha * 255), atol=1e-4)


def test_grabcut_moves_a_wrong_edge_to_the_photos() -> None:
    shifted = np.roll(TRUE, 3, axis=1)
    found = refined(shifted, PHOTO, "grabcut", 5) >= 0.5
    assert (found != TRUE).sum() < 0.1 * (shifted != TRUE).sum()


def test_the_guided_filter_keeps_a_right_edge_and_softens_one_where_the_photo_has_none() -> None:
    on_edge = refined(TRUE, PHOTO, "guided", 6)
    assert abs(on_edge[20:40, 25:55] - 1).max() < 0.01
    assert abs(on_edge - TRUE)[30].max() < 0.05
    within = np.roll(TRUE, 12, axis=1)  # its left edge lies in the flat object
    assert 0.1 < refined(within, PHOTO, "guided", 6)[30, 31] < 0.9


@pytest.mark.parametrize("method", ["guided", "grabcut"])
def test_the_edge_moves_no_farther_than_the_radius(method: str) -> None:
    shifted = np.roll(TRUE, 8, axis=1)
    found = refined(shifted, PHOTO, method, 2)
    inside, outside = distances(shifted)
    far = (inside > 2) | (outside > 2)
    assert (found[far] == shifted[far]).all()


@pytest.mark.parametrize(("method", "radius"), [("off", 5.0), ("guided", 0.0)])
def test_refining_may_be_left_out(method: str, radius: float) -> None:
    assert (refined(np.roll(TRUE, 3, axis=1), PHOTO, method, radius) == np.roll(TRUE, 3, axis=1)).all()


@pytest.mark.parametrize("method", ["guided", "grabcut", "matting"])
@pytest.mark.parametrize("radius", [8.0, 30.0])  # the larger one is looked for in a shrunk photo
def test_a_coarse_masks_edge_becomes_the_photos_and_smooth(method: str, radius: float) -> None:
    if method == "matting":
        pytest.importorskip("pymatting")
    side = round(25 * radius)
    rows, columns = np.mgrid[:side, :side]
    disc = np.hypot(rows - side / 2, columns - side / 2) < side / 3
    noise = np.random.default_rng(0).normal(0, 6, (side, side, 3))
    photo = np.clip(np.where(disc[..., None], (190, 120, 60), (60, 90, 150)) + noise, 0, 255).astype(np.uint8)
    box = np.array([side / 6, side / 6, side * 5 / 6, side * 5 / 6], dtype=np.float32) + 2
    cells = cv2.resize(disc[side // 6 : side * 5 // 6, side // 6 : side * 5 // 6].astype(np.uint8), (28, 28))
    mask = pasted(cells[None].astype(np.float32), box[None], (side, side))[0]  # of stairs
    edges = {
        refine: alpha_of(mask, photo, REGION.but(refine=refine, feather=0), radius=radius) >= 0.5
        for refine in ("off", method)
    }
    wrong = {refine: (edge != disc).sum() for refine, edge in edges.items()}
    length = {refine: outline(edge) / outline(disc) for refine, edge in edges.items()}
    assert wrong[method] < 0.1 * wrong["off"]
    assert abs(length[method] - 1) < 0.01
    assert length["off"] - 1 > 0.02


def outline(mask: NDArray[np.bool_]) -> float:
    """Its length in pixels."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return sum(cv2.arcLength(contour, True) for contour in contours)


SIDES = {"top": (-9, 0), "bottom": (9, 0), "left": (0, -9), "right": (0, 9)}
CORNERS = {
    f"{one} {other}": (SIDES[one][0], SIDES[other][1]) for one in ("top", "bottom") for other in ("left", "right")
}


@pytest.mark.parametrize("refine", ["guided", "grabcut", "off"])
@pytest.mark.parametrize("kind", ["predicted", "given"])
@pytest.mark.parametrize(("down", "across"), [*SIDES.values(), *CORNERS.values()], ids=[*SIDES, *CORNERS])
def test_an_object_that_the_frame_cuts_is_solid_up_to_it(down: int, across: int, kind: str, refine: str) -> None:
    height, width = 120, 160
    object_ = np.zeros((height, width), dtype=bool)
    rows, columns = np.mgrid[:height, :width]
    object_[(abs(rows - 60 - down * 9) < 40) & (abs(columns - 80 - across * 9) < 40)] = True
    photo = np.where(object_[..., None], 210, 40).astype(np.uint8).repeat(3, axis=2)
    ys, xs = np.flatnonzero(object_.any(axis=1)), np.flatnonzero(object_.any(axis=0))
    if kind == "given":  # drawn a pixel short of the frame
        mask, radius = object_.copy(), 2.0
        mask[[0, -1]] = mask[:, [0, -1]] = False
    else:  # cells that fade within a box that ends two pixels short of it
        box = np.array(
            [max(xs[0], 2), max(ys[0], 2), min(xs[-1], width - 3), min(ys[-1], height - 3)], dtype=np.float32
        )
        mask, radius = pasted(np.ones((1, 28, 28), np.float32), box[None], (height, width))[0], 4.3
    alpha = alpha_of(np.asarray(mask, np.float32), photo, REGION.but(refine=refine), radius=radius)
    inside = cv2.erode(object_.astype(np.uint8), np.ones((15, 15), np.uint8), borderType=cv2.BORDER_REPLICATE) > 0
    touched = inside & ((rows == 0) | (rows == height - 1) | (columns == 0) | (columns == width - 1))
    assert touched.sum() > 10
    assert alpha[inside].min() > 0.98
    assert alpha[~cv2.dilate(object_.astype(np.uint8), np.ones((15, 15), np.uint8)).astype(bool)].max() == 0


def test_an_object_that_ends_before_the_frame_does_not_go_on_to_it() -> None:
    solid = np.zeros((60, 80), dtype=bool)
    solid[3:40, 20:60] = True
    mask, settings = solid.astype(np.float32), REGION.but(refine="off", feather=0)
    assert (alpha_of(mask, PHOTO, settings, radius=3) == mask).all()
    assert (alpha_of(mask, PHOTO, settings, radius=6)[:3, 20:60] == 1).all()


def test_feathering_softens_over_its_width() -> None:
    hard = TRUE.astype(np.float32)
    assert (feathered(hard, 0) == hard).all()
    soft = feathered(hard, 4)
    assert soft[30, 20] == pytest.approx(0.6, abs=0.12)  # the first pixel within
    assert soft[30, 40] == 1
    assert soft[30, 10] == 0


def test_the_threshold_decides_what_belongs() -> None:
    soft = np.where(TRUE, 0.7, 0.5).astype(np.float32)
    settings = REGION.but(refine="off", feather=0, mask_threshold=0.6)
    assert (alpha_of(soft, PHOTO, settings, radius=0) == TRUE).all()
    assert (alpha_of(soft, PHOTO, REGION.but(mask_threshold=0.8), radius=2) == 0).all()


def test_overlaps_belong_to_the_front_once() -> None:
    front, back = np.full((1, 3), [1, 0.25, 0], dtype=np.float32), np.ones((1, 3), dtype=np.float32)
    assert [alpha.tolist() for alpha in exclusive([front, back])] == [[[1, 0.25, 0]], [[0, 0.75, 1]]]


def test_a_predicted_mask_is_as_coarse_as_its_cells() -> None:
    assert predicted_radius([0, 0, 56, 28], cells=28) == pytest.approx(3)
    assert predicted_radius([0, 0, 28, 56], cells=56) == pytest.approx(1.5)


def test_matting_finds_the_photos_edge() -> None:
    pytest.importorskip("pymatting")
    shifted = np.roll(TRUE, 2, axis=1)
    found = refined(shifted, PHOTO, "matting", 4) >= 0.5
    assert (found != TRUE).sum() < 0.25 * (shifted != TRUE).sum()
