"""Drawing: sizes, what is tinted, and that neighbours differ in colour."""

import numpy as np
import pytest

from pochoir.images.overlays import beside, draw_instances, grid, instance_color


@pytest.fixture
def image() -> np.ndarray:
    return np.full((60, 80, 3), 100, dtype=np.uint8)


def test_only_the_instances_surroundings_change(image: np.ndarray) -> None:
    masks = np.zeros((2, 60, 80), dtype=bool)
    masks[0, 20:40, 10:30] = True
    drawn = draw_instances(image, masks)
    assert drawn.shape == image.shape
    assert (drawn[25:35, 15:25] != 100).any(axis=-1).all()
    assert (drawn[:, 40:] == 100).all()
    assert (image == 100).all()  # the picture given is left alone


def test_labels_are_written_at_their_instance_even_at_the_frames_edge(image: np.ndarray) -> None:
    masks = np.zeros((1, 60, 80), dtype=bool)
    masks[0, 0:10, 70:80] = True
    unlabelled, labelled = draw_instances(image, masks), draw_instances(image, masks, ["0 0.97"])
    assert (unlabelled != labelled).any()
    assert (labelled[30:] == 100).all()
    assert np.array_equal(draw_instances(image, masks, [""]), unlabelled)  # an empty label is none


def test_neighbours_differ_in_colour() -> None:
    colors = np.array([instance_color(index) for index in range(12)], dtype=int)
    steps = np.abs(colors[1:] - colors[:-1]).sum(axis=1)
    assert steps.min() > 150
    assert len(set(map(tuple, colors.tolist()))) == 12


def test_pictures_of_unequal_sizes_fit_beside_each_other(image: np.ndarray) -> None:
    tall = np.zeros((120, 40, 3), dtype=np.uint8)
    assert beside([image, tall]).shape == (60, 80 + 4 + 20, 3)
    assert grid([image, tall, image], columns=2, height=30).shape == (30 + 4 + 30, 40 + 4 + 10, 3)
