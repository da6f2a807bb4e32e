"""What the encoder is shown of a picture that is painted in part: the paint, and nothing of what lies beside it."""

from torch import Tensor
from torch.nn import functional

HALF_A_LEVEL = 0.5 / 255


def solid(region: Tensor) -> Tensor:
    """A region `[1, 1, H, W]` that is 1 wherever paint is seen at all, and 0 elsewhere.

    Painted by its alpha, a rim that hardly shows would hardly count, and could be of any colour.
    """
    return (region > HALF_A_LEVEL).to(region)


def spread(image: Tensor, region: Tensor) -> Tensor:
    """A picture `[1, 3, H, W]` inside its region `[1, 1, H, W]`, and a blur of that where the region is not.

    Features near the border of a region see beyond it, deep ones 60 pixels far. What they see there must be neither
    detail, whose features would be taken for those of paint, nor an edge. This is pull-push interpolation (Gortler et
    al. 1996): each pixel is filled from the finest scale at which there is paint.
    """
    known, weight = image * region, region
    pulled = [(known, weight)]
    while min(weight.shape[-2:]) > 1:
        known, weight = (functional.avg_pool2d(part, 2, ceil_mode=True) for part in (known, weight))
        pulled.append((known, weight))
    filled = known / weight.clamp_min(1e-6)
    for known, weight in reversed(pulled[:-1]):
        coarser = functional.interpolate(filled, size=known.shape[-2:], mode="bilinear", align_corners=False)
        filled = known + (1 - weight) * coarser
    return filled
