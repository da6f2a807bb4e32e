"""Who is where between two looks: where both say, from the first frame on, and without waiting for too long."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from pochoir.composition.given import certain
from pochoir.config import FilmConfig, load_config
from pochoir.errors import DataError
from pochoir.film.clips import Frame
from pochoir.film.following import AHEAD, Follower, Scene
from pochoir.film.watch import Watch
from pochoir.segmentation.instances import Instances

SIZE = (40, 60)
TOP = np.s_[10:22]


def config(*overrides: str) -> FilmConfig:
    found: FilmConfig = load_config("film", ["style=waves", "find.every=3", *overrides])
    return found


def frames(count: int) -> Iterator[Frame]:
    """A film that stands still."""
    for number in range(count):
        yield Frame(number, np.full((*SIZE, 3), 90, np.uint8), Fraction(number, 24))


def at(*lefts: int) -> Instances:
    """Squares of 12 pixels, found at columns."""
    masks = np.zeros((len(lefts), *SIZE), np.float32)
    for mask, left in zip(masks, lefts, strict=True):
        mask[TOP, left : left + 12] = 1
    return certain(masks)


def follower(*looks: Instances, settings: FilmConfig | None = None) -> Follower:
    """One that finds this, look after look."""
    found = iter(looks)
    return Follower(settings or config(), lambda _: next(found))


def row(scene: Scene, number: int) -> np.ndarray:
    """Of an object's mask, `[60]`."""
    return scene.objects[number].mask[15]


def test_between_two_looks_an_object_is_where_both_say_by_how_near_they_are() -> None:
    scenes = list(follower(at(10), at(16)).scenes(frames(4), Watch()))
    for scene, share in zip(scenes, (0, 1 / 3, 2 / 3, 1), strict=True):
        assert row(scene, 0)[10:16] == pytest.approx(1 - share, abs=1e-6)  # the first look alone
        assert row(scene, 0)[16:22] == pytest.approx(1)  # both
        assert row(scene, 0)[22:28] == pytest.approx(share, abs=1e-6)  # the second alone


def test_what_is_new_is_there_from_the_look_before_on() -> None:
    scenes = list(follower(at(5), at(5, 40), at(5, 40)).scenes(frames(7), Watch()))
    assert [sorted(scene.objects) for scene in scenes] == [[0]] * 4 + [[0, 1]] * 3  # it is found twice before it counts
    assert row(scenes[4], 1)[40:52] == pytest.approx(1)


def test_what_a_look_does_not_find_stays_as_it_was_moved() -> None:
    scenes = list(follower(at(10), at()).scenes(frames(4), Watch()))
    assert all(row(scene, 0)[10:22] == pytest.approx(1) for scene in scenes)
    assert [scene.objects[0].missed for scene in scenes] == [0, 1, 2, 3]


def test_at_the_end_nothing_is_waited_for() -> None:
    scenes = list(follower(at(10)).scenes(frames(3), Watch()))
    assert [scene.frame.number for scene in scenes] == [0, 1, 2]
    assert all(row(scene, 0)[10:22] == pytest.approx(1) for scene in scenes)


@pytest.mark.parametrize(("overrides", "most"), [((), 3), (("find.every=100",), AHEAD), (("content=camera:0",), 1)])
def test_frames_that_are_read_ahead_are_few_and_none_of_a_camera(overrides: tuple[str, ...], most: int) -> None:
    read = 0

    def watched() -> Iterator[Frame]:
        nonlocal read
        for frame in frames(20):
            read += 1
            yield frame

    following = follower(*[at(10)] * 20, settings=config(*overrides))
    ahead = []
    for scene in following.scenes(watched(), Watch()):
        ahead.append(read - scene.frame.number)
        assert following.ahead == read - scene.frame.number - 1
    assert max(ahead) == most


@pytest.mark.parametrize("given_away", [1, 2, 3, 4, 5])
def test_its_state_goes_on_with_frames_that_were_read(given_away: int) -> None:
    looks = at(10), at(14), at(18)
    whole = list(follower(*looks).scenes(frames(8), Watch()))
    first = follower(*looks)
    scenes = first.scenes(frames(8), Watch())
    for _ in range(given_away):
        next(scenes)
    known = given_away + first.ahead
    rest = follower(*looks[1 + (known - 1) // 3 :])
    rest.restore(first.state())
    later = list(rest.scenes(list(frames(8))[known:], Watch()))
    assert [scene.frame.number for scene in later] == list(range(given_away, 8))
    for scene, same in zip(later, whole[given_away:], strict=True):
        assert np.array_equal(row(scene, 0), row(same, 0))


def test_what_was_read_before_a_film_breaks_is_given_away_first() -> None:
    def broken() -> Iterator[Frame]:
        yield from frames(6)
        raise DataError("frame 6 cannot be decoded")

    seen: list[int] = []
    with pytest.raises(DataError, match="frame 6"):
        seen.extend(scene.frame.number for scene in follower(at(10), at(10)).scenes(broken(), Watch()))
    assert seen == [0, 1, 2, 3, 4, 5]
