"""Objects as they are clicked on."""

from pathlib import Path

import numpy as np
import pytest

from pochoir.assets import located
from pochoir.errors import DataError
from pochoir.images import Picture, read_rgb, write_image
from pochoir.studio.finding import Photo, Thing, hit, in_box, load, outline, write_masks
from pochoir.studio.wishes import Chosen, Setup


def thing(index: int | None, rows: slice, columns: slice) -> Thing:
    mask = np.zeros((40, 60), dtype=bool)
    mask[rows, columns] = True
    box = None if index is not None else (0.0, 0.0, 9.0, 9.0)
    return Thing(Chosen(index, box), mask, outline(mask), "thing")


BEST, BEHIND = thing(0, slice(10, 30), slice(5, 25)), thing(1, slice(10, 30), slice(20, 50))
INSIDE = thing(2, slice(22, 28), slice(40, 46))
DRAWN = thing(None, slice(12, 20), slice(8, 22))


@pytest.fixture(scope="module")
def portrait() -> Photo:
    return load(Path(located("builtin:portrait")), Setup(accelerator="cpu"))


def test_what_was_drawn_lies_before_what_was_found_and_of_that_the_smallest() -> None:
    things = [BEST, BEHIND, INSIDE, DRAWN]
    assert hit(things, 42, 25) is INSIDE
    assert hit(things, 22, 15) is BEST
    assert hit(things, 21, 15) is DRAWN
    assert hit(things, 30, 15) is BEHIND
    assert hit(things, 2, 2) is None
    assert hit(things, 60, 40) is None


def test_an_outline_has_the_masks_corners_and_its_holes() -> None:
    mask = np.zeros((40, 60), dtype=bool)
    mask[10:30, 5:25] = True
    assert sorted(outline(mask).strip("MZ").split("L")) == ["24,10", "24,29", "5,10", "5,29"]
    mask[15:20, 10:15] = False
    assert outline(mask).count("M") == 2
    assert BEST.top == (14.5, 10.0)


def test_the_portrait_has_a_person_and_she_is_found_by_her_middle(portrait: Photo) -> None:
    width, height = portrait.size
    assert (width, height) == (512, 600)
    found = hit(portrait.things, width / 2, height * 0.7)
    assert found is not None
    assert found.chosen.index == 0
    assert found.label == "person 1"


def test_a_box_holds_an_object(portrait: Photo, tmp_path: Path) -> None:
    drawn = in_box(portrait, (297.2, 456.0, 470.7, 540.0), 1)
    assert drawn.chosen.box == (297.0, 456.0, 471.0, 540.0)
    rows, columns = np.nonzero(drawn.mask)
    assert rows.min() >= 456 and rows.max() < 540 and columns.min() >= 297 and columns.max() < 471
    with pytest.raises(DataError, match="nothing stands out in that box"):
        in_box(portrait, (318.0, 420.0, 471.0, 480.0), 2)
    nearly_nothing = Photo(portrait.path, Picture(np.full((60, 80, 3), 90, np.uint8)), portrait.instances, ())
    nearly_nothing.picture.pixels[30, 40] = 255
    with pytest.raises(DataError, match="nothing stands out in that box"):
        in_box(nearly_nothing, (10.0, 10.0, 70.0, 50.0), 3)
    (path,) = write_masks([drawn], tmp_path)
    assert ((read_rgb(Path(path))[..., 0] == 255) == drawn.mask).all()


def test_a_photo_that_cannot_be_painted_is_refused_as_it_comes_in(tmp_path: Path) -> None:
    write_image(tmp_path / "dot.png", np.zeros((1, 5, 3), dtype=np.uint8))
    with pytest.raises(DataError, match=r"dot\.png: is 5×1 pixels; pictures and styles have at least 8 pixels a side"):
        load(tmp_path / "dot.png", Setup(accelerator="cpu"))
