"""Copy-paste of instances between two photos ("Simple Copy-Paste", Ghiasi et al. 2021)."""

import torch
from torch.nn import functional
from torchvision import tv_tensors

from pochoir.data.targets import Pair, areas_of, make_target, worth_keeping


def paste_instances(onto: Pair, source: Pair, *, min_visible: float = 0.1) -> Pair:
    """Paste a random non-empty subset of `source`'s instances in front of `onto`'s.

    Both images are `[3, H, W]` float32; `source` is cropped or padded at the bottom and right to `onto`'s size. An
    instance of `onto` keeps the part that stays visible, and is dropped when that is less than the share `min_visible`
    or not `worth_keeping`; of `source`'s, what lies outside the frame is lost.
    Draws from torch's global random state.
    """
    image, target = onto
    other, other_target = source
    count = len(other_target["masks"])
    if count == 0:
        return onto
    height, width = image.shape[-2:]
    pad = (0, max(0, width - other.shape[-1]), 0, max(0, height - other.shape[-2]))
    chosen = torch.rand(count) < 0.5
    chosen[torch.randint(count, ())] = True
    pasted = functional.pad(other_target["masks"][chosen].as_subclass(torch.Tensor), pad)[..., :height, :width] != 0
    other = functional.pad(other.as_subclass(torch.Tensor), pad)[..., :height, :width]
    large = worth_keeping(areas_of(pasted), other_target["area"][chosen])
    pasted, labels = pasted[large], other_target["labels"][chosen][large]
    if len(pasted) == 0:
        return onto
    front = pasted.view(torch.uint8).amax(dim=0).view(torch.bool)

    behind = target["masks"].as_subclass(torch.Tensor) != 0
    visible = behind & ~front
    areas = areas_of(visible)
    kept = (areas >= min_visible * target["area"]) & worth_keeping(areas, target["area"])
    image = tv_tensors.Image(torch.where(front, other, image.as_subclass(torch.Tensor)))
    masks, labels = torch.cat([visible[kept], pasted]), torch.cat([target["labels"][kept], labels])
    crowd = torch.zeros(len(masks), dtype=torch.bool)
    return image, make_target(masks, crowd, int(target["image_id"]), target["name"], labels)
