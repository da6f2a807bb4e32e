import hashlib
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from pochoir.data.figures import Figures, draw_scene
from pochoir.data.figures.materials import Material
from pochoir.data.figures.painting import SUPERSAMPLING, Actor, paint, visible
from pochoir.data.figures.people import draw_person
from pochoir.data.figures.props import DISTRACTORS
from pochoir.data.figures.scene import cast_actors
from pochoir.data.figures.shapes import Part

LIGHT = np.array([-0.6, -0.7])


@pytest.fixture(scope="module")
def scenes():
    source = Figures(length=40)
    return [source.read(index) for index in range(40)]


def blank(height=90, width=120):
    image = np.full((height, width, 3), 255, np.uint8)
    return image, np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint16)


def ball(x, y, radius, colour=(200.0, 40.0, 40.0)):
    return Actor([Part(Material(colour), ((0, -1, 1),))], x, y + radius, radius, True)


def digest(sample):
    return hashlib.sha256(sample.image.tobytes() + sample.masks.tobytes()).hexdigest()


def test_sample_depends_on_seed_and_index_alone():
    def read(length, seed, index):
        return digest(Figures(length=length, size=(64, 80), seed=seed).read(index))

    assert read(10, 3, 7) == read(500, 3, 7)
    assert len({read(10, seed, index) for seed in (0, 1) for index in (0, 1, 2)}) == 6


def test_another_process_draws_the_same():
    code = (
        "import hashlib; from pochoir.data.figures import Figures; s = Figures(length=9, size=(96, 96)).read(8);"
        "print(hashlib.sha256(s.image.tobytes() + s.masks.tobytes()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "123"}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == digest(Figures(length=9, size=(96, 96)).read(8))


@pytest.mark.parametrize("size", [(64, 64), (100, 333), (400, 70)])
def test_shapes_and_types(size):
    source = Figures(length=12, size=size, max_figures=3)
    assert source.names[7] == "figure-00007"
    assert len(source.names) == 12
    for index in range(12):
        sample = source.read(index)
        assert (sample.image.shape, sample.image.dtype) == ((*size, 3), np.uint8)
        assert (sample.masks.shape[1:], sample.masks.dtype) == (size, np.bool_)
        assert (sample.crowd.shape, sample.crowd.dtype) == (sample.masks.shape[:1], np.bool_)
        assert len(sample.masks) <= 3
        assert not sample.crowd.any()


def test_masks_are_disjoint_and_visible(scenes):
    for scene in scenes:
        assert scene.masks.sum(axis=0, initial=0).max() <= 1
        assert all(mask.sum() >= 20 for mask in scene.masks)


def test_mask_is_what_paint_changed():
    image, owner = blank()
    rng = np.random.default_rng(0)
    box = paint(image, owner, Actor(draw_person(rng), 60, 85, 70, True), 1, LIGHT)
    coverage = (owner == 1).reshape(90, SUPERSAMPLING, 120, SUPERSAMPLING).mean(axis=(1, 3))
    changed = (image != 255).any(axis=-1)
    np.testing.assert_array_equal(changed, coverage > 0)
    np.testing.assert_array_equal(visible(owner, 1, box, 90, 120), coverage > 0.5)


def test_area_of_a_disc():
    image, owner = blank()
    box = paint(image, owner, ball(60.0, 45.0, 30), 1, LIGHT)
    mask = visible(owner, 1, box, 90, 120)
    rows, columns = np.nonzero(mask)
    assert mask.sum() == pytest.approx(np.pi * 30**2, rel=0.03)  # a polygon of 20 corners lacks 1.6 %
    assert (columns.mean(), rows.mean()) == pytest.approx((60, 45), abs=0.6)


def test_the_later_covers_the_earlier():
    image, owner = blank()
    first = paint(image, owner, ball(50, 45, 25), 1, LIGHT)
    alone = visible(owner, 1, first, 90, 120)
    second = paint(image, owner, ball(75, 45, 25, (20.0, 60.0, 200.0)), 2, LIGHT)
    behind, before = visible(owner, 1, first, 90, 120), visible(owner, 2, second, 90, 120)
    assert (alone & before).any()
    assert not (behind & before).any()
    assert not (behind & ~alone).any()
    blue = image[..., 2] > image[..., 0]
    assert blue[before].mean() > 0.97  # but for pixels that show both
    assert blue[behind].mean() < 0.03


def test_out_of_the_picture_paints_nothing():
    image, owner = blank()
    assert image[paint(image, owner, ball(-300, 45, 20), 1, LIGHT)].size == 0
    assert (image == 255).all()
    assert not owner.any()


def test_hidden_people_have_no_mask(monkeypatch):
    """A wall in front of everything: people are drawn, none is visible."""
    wall = Actor(
        [Part(Material((90.0, 90.0, 90.0)), ((-1, -1, 0.1), (1, -1, 0.1), (-1, 0, 0.1), (1, 0, 0.1)))],
        40,
        999,
        1500,
        False,
    )
    monkeypatch.setattr("pochoir.data.figures.scene.cast_actors", lambda *args: [*cast_actors(*args), wall])
    assert all(len(draw_scene(np.random.default_rng(seed), 64, 80, 5).masks) == 0 for seed in range(5))


def test_people_come_in_all_sizes():
    casts = [cast_actors(np.random.default_rng(seed), 256, 320, 90, 5) for seed in range(150)]
    heights = np.array([actor.height / 256 for cast in casts for actor in cast if actor.is_figure])
    assert heights.min() >= 0.12
    assert heights.max() <= 0.85
    # Log-uniform: each third of the log range holds about a third.
    thirds = np.histogram(np.log(heights), bins=3, range=(np.log(0.12), np.log(0.85)))[0] / len(heights)
    assert thirds.min() > 0.25


def test_people_are_occluded(monkeypatch):
    """By comparing every figure's samples right after it was painted with those left in the end."""
    shares = []

    def recorded(image, owner, actor, number, light):
        box = paint(image, owner, actor, number, light)
        if number:
            painted.append((owner, number, int((owner == number).sum())))
        return box

    monkeypatch.setattr("pochoir.data.figures.scene.paint", recorded)
    for seed in range(30):
        painted = []
        draw_scene(np.random.default_rng(seed), 96, 120, 5)
        shares += [(owner == number).sum() / max(count, 1) for owner, number, count in painted]
    partly = np.mean([0.05 < share < 0.9 for share in shares])
    assert 0.42 < partly < 0.7  # without crowding and things put in front it is a third
    assert np.mean(np.array(shares) > 0.99) > 0.2  # and some are not


def test_count_of_people(scenes):
    casts = [cast_actors(np.random.default_rng(seed), 256, 320, 90, 4) for seed in range(250)]
    shares = np.bincount([sum(actor.is_figure for actor in cast) for cast in casts]) / len(casts)
    assert len(shares) == 5
    assert 0.02 < shares[0] < 0.12  # empty scenes are legal
    assert shares[1:].min() > 0.15
    assert min(len(scene.masks) for scene in scenes) == 0
    assert max(len(scene.masks) for scene in scenes) == 5


@pytest.mark.parametrize("draw, low, high", DISTRACTORS)
def test_distractors_are_painted_but_not_segmented(draw, low, high):
    assert 0 < low < high
    image, owner = blank()
    paint(image, owner, Actor(draw(np.random.default_rng(1)), 60, 80, 60, False), 0, LIGHT)
    assert (image != 255).any(axis=-1).sum() > 100
    assert not owner.any()


def test_every_scene_has_distractors_of_the_size_of_people():
    casts = [cast_actors(np.random.default_rng(seed), 256, 320, 90, 5) for seed in range(60)]
    others = [actor.height for cast in casts for actor in cast if not actor.is_figure]
    assert all(any(not actor.is_figure for actor in cast) for cast in casts)
    assert np.mean([30 < height < 218 for height in others]) > 0.3


def test_colour_does_not_give_people_away(scenes):
    """The best classifier of single pixels by colour must fail, or the dataset measures nothing."""
    bins = [(scene.image // 32).astype(int) @ (64, 8, 1) for scene in scenes]
    truth = [scene.masks.any(axis=0) for scene in scenes]
    half = len(scenes) // 2
    seen, mask = np.concatenate(bins[:half]), np.concatenate(truth[:half])
    figure, total = (np.bincount(values.ravel(), minlength=512) for values in (seen[mask], seen))
    rate = (figure + 1) / (total + 10)
    scores, wanted = rate[np.concatenate(bins[half:])], np.concatenate(truth[half:])
    overlaps = [((scores > t) & wanted).sum() / ((scores > t) | wanted).sum() for t in (0.05, 0.1, 0.15, 0.2, 0.3, 0.5)]
    assert max(overlaps) < 0.2


def test_masks_fit_the_picture(scenes):
    """The picture's edges are stronger on the outline than three pixels off it, within and without."""
    kernel = np.ones((3, 3), np.uint8)
    on, inside, outside = [], [], []
    for scene in scenes:
        grey = cv2.cvtColor(scene.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        slope = np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1))
        for mask in scene.masks.astype(np.uint8):
            shrunk, grown = (f(mask, kernel, iterations=3) for f in (cv2.erode, cv2.dilate))
            on.append(slope[cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, kernel) > 0])
            inside.append(slope[(shrunk - cv2.erode(shrunk, kernel)) > 0])
            outside.append(slope[(cv2.dilate(grown, kernel) - grown) > 0])
    on, inside, outside = (np.concatenate(values).mean() for values in (on, inside, outside))
    assert on > 1.5 * inside
    assert on > 1.5 * outside


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"length": 0}, r"length: 0 .*allowed: 1 or more"),
        ({"length": 5, "size": (63, 320)}, r"size: \(63, 320\) .*allowed: 64 or more"),
        ({"length": 5, "size": (256, 8)}, r"size: \(256, 8\) "),
        ({"length": 5, "max_figures": 0}, r"max_figures: 0 .*allowed: 1 or more"),
        ({"length": 5, "seed": -1}, r"seed: -1 .*allowed: 0 or more"),
    ],
)
def test_silly_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Figures(**arguments)


@pytest.mark.parametrize("index", [-1, 5])
def test_index_out_of_range(index):
    with pytest.raises(IndexError, match="5 scenes"):
        Figures(length=5).read(index)
