"""Training-time augmentation with torchvision's transforms v2; evaluation has none."""

from collections.abc import Callable
from functools import partial

import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from pochoir.config import AugmentConfig
from pochoir.data.targets import Pair, Target, areas_of, make_target, worth_keeping


class RebuildTarget(torch.nn.Module):
    """Derive boxes and areas anew from the masks: geometry cuts instances and boxes go loose otherwise.

    What is left of an instance is dropped where it is small, and most of it was cut off (see `worth_keeping`); the
    target's `area` is what it would be uncut.
    """

    def forward(self, image: tv_tensors.Image, target: Target) -> Pair:
        masks = target["masks"].as_subclass(torch.Tensor)
        kept = worth_keeping(areas_of(masks), target["area"])
        masks, crowd, labels = masks[kept], target["iscrowd"][kept].bool(), target["labels"][kept]
        return image, make_target(masks, crowd, int(target["image_id"]), target["name"], labels)


class RandomCrop(torch.nn.Module):
    """Cut a random window of at least the share `min_side` of each side, in `probability` of the cases."""

    def __init__(self, probability: float, min_side: float) -> None:
        super().__init__()
        self.probability, self.min_side = probability, min_side

    def forward(self, image: tv_tensors.Image, target: Target) -> Pair:
        if torch.rand(()) >= self.probability:
            return image, target
        height, width = image.shape[-2:]
        share = self.min_side + (1 - self.min_side) * torch.rand(2)
        size = max(1, round(height * float(share[0]))), max(1, round(width * float(share[1])))
        return v2.RandomCrop(size)(image, target)


class ScaleJitter(torch.nn.Module):
    """Zoom by one random factor, log-uniform in `scale`, within the frame: the picture keeps its size.

    Zooming in cuts a random window, zooming out pads with grey: the model resizes every picture to the size of its
    input, so a picture that only changed its size would be scaled straight back. Large-scale jitter of Ghiasi et al.
    2021.
    """

    def __init__(self, scale: tuple[float, float]) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, image: tv_tensors.Image, target: Target) -> Pair:
        height, width = image.shape[-2:]
        low, high = torch.tensor(self.scale).log()
        factor = float((low + (high - low) * torch.rand(())).exp())
        zoomed = [max(1, round(height * factor)), max(1, round(width * factor))]
        fill = {tv_tensors.Image: 0.5, tv_tensors.Mask: 0}
        frame = v2.RandomCrop((height, width), pad_if_needed=True, fill=fill)
        target = {**target, "area": target["area"] * factor**2}
        return frame(*v2.Resize(zoomed, antialias=True)(image, target))


def training_transforms(config: AugmentConfig) -> Callable[[Pair], Pair]:
    """The augmentation of `config`, from (image, target) to (image, target); draws from torch's global random state."""
    steps: list[torch.nn.Module] = []
    if config.crop > 0:
        steps.append(RandomCrop(config.crop, config.crop_min))
    if (config.scale_min, config.scale_max) != (1.0, 1.0):
        steps.append(ScaleJitter((config.scale_min, config.scale_max)))
    if config.flip > 0:
        steps.append(v2.RandomHorizontalFlip(config.flip))
    if config.photometric > 0:
        steps.append(v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.05)], p=config.photometric))
        steps.append(v2.RandomApply([v2.GaussianBlur(kernel_size=5, sigma=(0.1, 1.5))], p=config.photometric / 4))
        steps.append(v2.RandomGrayscale(p=config.photometric / 10))
    steps.append(Clamp())
    steps.append(RebuildTarget())
    return partial(_apply, v2.Compose(steps))


def _apply(pipeline: v2.Compose, pair: Pair) -> Pair:
    return pipeline(*pair)  # a function, not a lambda: where workers are spawned, it is pickled with the dataset


class Clamp(torch.nn.Module):
    """Keep colours within [0, 1] after photometric changes."""

    def forward(self, image: tv_tensors.Image, target: Target) -> Pair:
        return tv_tensors.Image(image.clamp(0, 1)), target
