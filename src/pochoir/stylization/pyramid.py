"""From coarse to fine: sizes of pictures and of the levels on the way to them."""

from dataclasses import dataclass

from torch import Tensor

from pochoir.config import RecipeConfig
from pochoir.images.resizing import Size, fit, resize

MIN_SIDE = 32
"""Short side of the smallest level in pixels: two features at the encoder's last stride."""
TILED = 2.5
"""How much more work an evaluation by tiles is: margins, and each tile once more for the gradient."""
WORK = {1: 0.05, 2: 0.16, 3: 0.31, 4: 0.77, 5: 1.0}
"""Of an evaluation up to relu5_1, the multiplications that remain if no layer beyond a block is looked at (VGG-19)."""


@dataclass(frozen=True)
class Level:
    """One scale of the pyramid: the picture's (height, width) in pixels, how many evaluations it gets, the deepest
    block of the encoder that they look at, and the side of the tiles that they look at it by; None: whole.
    """

    size: Size
    steps: int
    depth: int = 5
    tile: int | None = None

    @property
    def work(self) -> float:
        """Pixels passed through the whole encoder, or as much work: what time is proportional to."""
        return self.look * self.steps

    @property
    def look(self) -> float:
        """Work of one evaluation."""
        pixels = self.size[0] * self.size[1]
        return pixels * WORK[self.depth] * (1 if self.tile is None or pixels <= self.tile**2 else TILED)


def pyramid(size: Size, recipe: RecipeConfig, tile: int | None = None) -> list[Level]:
    """Levels up to `size`, each twice the one before, the first with a long side of about `recipe.coarsest`.

    Each level gets its number of `recipe.steps` and `recipe.depths`, the last number as often as needed. A picture so
    gets the same coarse levels, and so the same look, at every size. tile: see `Level`.
    """
    sides = [max(size)]
    nearest = recipe.coarsest / 2**0.5  # in octaves
    while (half := round(sides[0] / 2)) >= nearest and min(fit(size, half)) >= MIN_SIDE:
        sides.insert(0, half)
    steps, depths = (given + given[-1:] * len(sides) for given in (recipe.steps, recipe.depths))
    chosen = zip(sides, steps, depths, strict=False)
    return [Level(fit(size, side), count, depth, tile) for side, count, depth in chosen]


def enlarge(image: Tensor, content: Tensor, size: Size) -> Tensor:
    """A painted picture at a larger size, with the detail of its content that the smaller size could not hold.

    All `[1, 3, H, W]` in [0, 1]. The detail is a band of the content's Laplacian pyramid (Burt and Adelson 1983; added
    to upscaled paintings by Kolkin et al. 2019).
    """
    height, width = image.shape[-2:]
    detail = resize(content, size) - resize(resize(content, (height, width)), size)
    return detail.add_(resize(image, size)).clamp_(0, 1)  # in place: at the size of a print each picture is 300 MB
