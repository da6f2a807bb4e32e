"""Sums over a picture that is looked at piece by piece: exact, in the memory of one piece."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import ceil
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pochoir.images.resizing import Size
from pochoir.stylization.encoder import margin_of, stride


class Span(NamedTuple):
    """Rows or columns of a picture: from `start` to `end` is looked at, from `first` to `last` (exclusive) counts."""

    start: int
    first: int
    last: int
    end: int

    def core(self, stride: int) -> slice:
        """What counts, of the whole picture's features of this stride."""
        return slice(self.first // stride, self.last // stride)

    def inner(self, stride: int) -> slice:
        """The same, of the features of what is looked at."""
        return slice((self.first - self.start) // stride, (self.last - self.start) // stride)


class Tile(NamedTuple):
    """A piece of a picture: what counts of it, and as much around that as its features see."""

    rows: Span
    columns: Span

    def seen(self, picture: Tensor) -> Tensor:
        """What is looked at of a picture `[..., H, W]`, as a view."""
        return picture[..., self.rows.start : self.rows.end, self.columns.start : self.columns.end]

    def core(self, values: Tensor, stride: int = 1) -> Tensor:
        """What counts, of the whole picture's features of this stride, or of a region at their size; as a view."""
        return values[..., self.rows.core(stride), self.columns.core(stride)]

    def inner(self, values: Tensor, stride: int = 1) -> Tensor:
        """The same, of the features of what is looked at."""
        return values[..., self.rows.inner(stride), self.columns.inner(stride)]


def tiles_of(size: Size, side: int | None, layers: Sequence[str]) -> list[Tile]:
    """Tiles of a picture that cover it once, `side` pixels a side at most without their margins.

    A single one for None, and for a picture no larger than a tile with its margins. The margins are as wide as features
    of the `layers` see, and tiles begin where the deepest layer's cells do: what is counted equals what the whole
    picture would have had.
    """
    margin = margin_of(layers)
    if side is None or size[0] * size[1] <= (side + 2 * margin) ** 2:
        return [Tile(*(Span(0, 0, length, length) for length in size))]
    step = max((stride(layer) for layer in layers), default=1)
    rows, columns = (_spans(length, side, margin, step) for length in size)
    return [Tile(*pair) for pair in product(rows, columns)]


def _spans(length: int, side: int, margin: int, step: int) -> list[Span]:
    """Of about equal length, beginning at multiples of `step`."""
    part = ceil(length / ceil(length / side) / step) * step
    cores = [(first, min(first + part, length)) for first in range(0, length, part)]
    return [Span(max(0, first - margin), first, last, min(last + margin, length)) for first, last in cores]


Sums = Callable[[Tensor, Tile], Mapping[Any, Tensor]]
"""Of what a tile sees of a picture, sums over what counts of it, by name."""


def summed(sums: Sums, picture: Tensor, tiles: Sequence[Tile]) -> dict[Any, Tensor]:
    """Totals of `sums` over the tiles of a picture `[1, C, H, W]`, which can be differentiated by it.

    Of several tiles only the totals are kept: the gradient looks at each tile once more.
    """
    if len(tiles) == 1:
        return dict(sums(picture, tiles[0]))
    names: list[Any] = []

    def values(piece: Tensor, tile: Tile) -> tuple[Tensor, ...]:
        found = sums(piece, tile)
        names[:] = found
        return tuple(found.values())

    totals = _Summed.apply(picture, values, tiles)
    return dict(zip(names, totals, strict=True))


class _Summed(torch.autograd.Function):
    """`torch.utils.checkpoint` by tiles, without a gradient as large as the picture for each."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, values: Callable[..., tuple[Tensor, ...]], tiles: Sequence[Tile]) -> Any:
        ctx.save_for_backward(picture)
        ctx.values, ctx.tiles = values, tiles
        totals: tuple[Tensor, ...] = ()
        for tile in tiles:
            found = values(tile.seen(picture), tile)
            totals = tuple(total.add_(value) for total, value in zip(totals, found, strict=True)) if totals else found
        return totals

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        (picture,) = ctx.saved_tensors
        gradient = torch.zeros_like(picture)
        for tile in ctx.tiles:
            piece = tile.seen(picture).detach().requires_grad_()
            with torch.enable_grad():
                found = ctx.values(piece, tile)
            sloping = [number for number, value in enumerate(found) if value.requires_grad]  # masses do not
            outputs, theirs = ([values[number] for number in sloping] for values in (found, slopes))
            (part,) = torch.autograd.grad(outputs, piece, theirs)
            tile.seen(gradient).add_(part)
        return gradient, None, None
