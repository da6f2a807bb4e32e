"""What is chosen of a photo, and in which style: the state of the part Paint, which no page is needed for."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pochoir.studio.finding import Thing, hit
from pochoir.studio.wishes import Chosen, Wish

BACKGROUND = -1
"""The target that is no object: all the rest."""


@dataclass(eq=False)
class Choices:
    """The objects of a photo by their places in `things`, and what they are dressed in.

    dressed: those that are chosen, and their styles; None: as in the photo. background: the style of all the rest.
    target: what the next style is for, one that is chosen or `BACKGROUND`. drawn: how many objects were drawn, those
    that are gone again among them.
    """

    things: list[Thing] = field(default_factory=list)
    dressed: dict[int, str | None] = field(default_factory=dict)
    background: str | None = None
    target: int = BACKGROUND
    drawn: int = 0

    def begin(self, things: Iterable[Thing], background: str | None = None) -> None:
        """Another photo: nothing of it is chosen yet."""
        self.things, self.dressed, self.background, self.target = list(things), {}, background, BACKGROUND
        self.drawn = 0

    @property
    def next_number(self) -> int:
        """What an object that is drawn now is called by: no other is, or was."""
        return sum(thing.chosen.box is None for thing in self.things) + self.drawn + 1

    @property
    def targets(self) -> list[int]:
        """All that can get a style."""
        return [*sorted(self.dressed), BACKGROUND]

    @property
    def chosen(self) -> tuple[Chosen, ...]:
        """The chosen objects as a wish has them."""
        return tuple(replace(self.things[place].chosen, style=self.dressed[place]) for place in self._wished)

    @property
    def chosen_things(self) -> list[Thing]:
        """The same, in the same order, with their masks."""
        return [self.things[place] for place in self._wished]

    @property
    def _wished(self) -> list[int]:
        """One that stays as in the photo is told of only where all the rest is painted: it stays so anyhow."""
        styles = self.dressed.items()
        return sorted(place for place, style in styles if style is not None or self.background is not None)

    def style_of(self, target: int) -> str | None:
        return self.background if target == BACKGROUND else self.dressed[target]

    def toggle(self, place: int) -> None:
        """Choose an object and aim at it, or drop it and aim at the last that is left; one that was drawn then goes."""
        if place in self.dressed:
            del self.dressed[place]
            if self.things[place].chosen.box is not None:
                del self.things[place]
                self.dressed = {other - (other > place): style for other, style in self.dressed.items()}
            self.target = max(self.dressed, default=BACKGROUND)
        else:
            self.dressed[place] = None
            self.target = place

    def click(self, x: float, y: float) -> bool:
        """Toggle the object under a point in pixels of the photo; False where there is none."""
        thing = hit(self.things, x, y)
        if thing is not None:
            self.toggle(self.things.index(thing))
        return thing is not None

    def add(self, thing: Thing) -> None:
        """Take in an object that was drawn, and choose it."""
        self.things.append(thing)
        self.drawn += 1
        self.toggle(len(self.things) - 1)

    def dress(self, style: str) -> None:
        """Give the style to the target, or take it away where it has it."""
        new = None if self.style_of(self.target) == style else style
        if self.target == BACKGROUND:
            self.background = new
        else:
            self.dressed[self.target] = new

    def take(self, wish: Wish) -> int:
        """Choose what a wish has chosen, as far as it is among the things; returns of how many that is not so."""
        places = {_identity(thing.chosen): place for place, thing in enumerate(self.things)}
        there = [one for one in wish.chosen if _identity(one) in places]
        self.dressed = {places[_identity(one)]: one.style for one in there}
        self.background = wish.background
        self.target = min(self.dressed, default=BACKGROUND)
        return len(wish.chosen) - len(there)


def _identity(one: Chosen) -> tuple[object, object]:
    return one.index, one.box
