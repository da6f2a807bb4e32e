"""What is clicked on is chosen, and what is chosen gets the styles."""

import numpy as np
import pytest

from pochoir.studio.choices import BACKGROUND, Choices
from pochoir.studio.finding import Thing
from pochoir.studio.wishes import Chosen, Wish, ordered

BOX = (0.0, 4.0, 10.0, 8.0)


def thing(chosen: Chosen, rows: slice) -> Thing:
    mask = np.zeros((8, 10), dtype=bool)
    mask[rows] = True
    return Thing(chosen, mask, "", "")


@pytest.fixture
def choices() -> Choices:
    """Two objects that were found: the upper rows, and those below."""
    return Choices([thing(Chosen(0), np.s_[:2]), thing(Chosen(1), np.s_[2:4])])


def test_a_click_chooses_what_it_hits_and_aims_at_it(choices: Choices) -> None:
    assert (choices.targets, choices.target) == ([BACKGROUND], BACKGROUND)
    assert choices.click(5, 3)
    assert (choices.targets, choices.target) == ([1, BACKGROUND], 1)
    assert not choices.click(5, 6)
    assert choices.click(5, 0)
    choices.toggle(0)
    assert (choices.targets, choices.target) == ([1, BACKGROUND], 1)
    choices.toggle(1)
    assert (choices.targets, choices.target) == ([BACKGROUND], BACKGROUND)


def test_a_style_dresses_the_target_and_the_same_again_takes_it_away(choices: Choices) -> None:
    choices.dress("ink")
    choices.toggle(1)
    choices.dress("waves")
    assert (choices.chosen, choices.background) == ((Chosen(1, style="waves"),), "ink")
    choices.dress("waves")
    choices.target = BACKGROUND
    choices.dress("glass")
    assert (choices.chosen, choices.background) == ((Chosen(1),), "glass")


def test_objects_are_painted_in_the_order_of_their_styles_however_they_were_clicked_on(choices: Choices) -> None:
    choices.add(thing(Chosen(box=BOX), np.s_[4:]))
    for place in (1, 0):
        choices.toggle(place)
    choices.background = "ink"
    assert choices.chosen == (Chosen(0), Chosen(1), Chosen(box=BOX))
    assert [one.chosen for one in choices.chosen_things] == ordered(Wish("photo.jpg", choices.chosen))


def test_what_stays_as_in_the_photo_is_told_of_only_beside_a_painted_background(choices: Choices) -> None:
    choices.toggle(1)
    choices.dress("ink")
    choices.toggle(0)
    assert choices.chosen == (Chosen(1, style="ink"),)
    assert [one.chosen for one in choices.chosen_things] == [Chosen(1)]
    choices.background = "waves"
    assert choices.chosen == (Chosen(0), Chosen(1, style="ink"))


def test_an_object_that_was_drawn_goes_when_it_is_dropped(choices: Choices) -> None:
    numbers = []
    for rows in (np.s_[4:6], np.s_[6:]):
        numbers.append(choices.next_number)
        choices.add(thing(Chosen(box=(0.0, rows.start, 9.0, 9.0)), rows))
        choices.dress("ink")
    choices.toggle(0)
    choices.toggle(2)
    assert [one.chosen.box for one in choices.things] == [None, None, (0, 6, 9, 9)]
    assert choices.dressed == {0: None, 2: "ink"}
    assert [*numbers, choices.next_number] == [3, 4, 5]
    assert choices.click(5, 7)
    assert not choices.click(5, 7)


def test_what_was_wished_for_is_chosen_again_as_far_as_it_is_there(choices: Choices) -> None:
    choices.toggle(0)
    choices.add(thing(Chosen(box=BOX), np.s_[4:]))
    wished = (Chosen(1, style="ink"), Chosen(7, style="ink"), Chosen(box=BOX))
    assert choices.take(Wish("photo.jpg", wished, "waves")) == 1  # which is not
    assert (choices.chosen, choices.background) == ((Chosen(1, style="ink"), Chosen(box=BOX)), "waves")
    assert choices.target == 1
