"""From a checkpoint and an image to `Instances`."""

from pathlib import Path

import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN

from pochoir.config import SegmenterConfig
from pochoir.errors import WeightsError
from pochoir.segmentation.instances import Instances
from pochoir.segmentation.models import build_segmenter
from pochoir.weights import load_strictly, network_state, read_checkpoint


class Predictor:
    """Finds instances in images, one at a time, on the device it was given.

    network: a two-class Mask R-CNN. Thresholds of the network's own config decide what is found at all; take
    `Instances.above` for what is to be shown.
    """

    def __init__(self, network: MaskRCNN, *, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.network = network.eval().to(self.device)

    @classmethod
    def from_checkpoint(cls, path: Path, *, device: torch.device | str = "cpu") -> "Predictor":
        """The network of a train_seg checkpoint; raises `WeightsError` naming the file when it is none."""
        checkpoint = read_checkpoint(path)
        try:
            settings = SegmenterConfig(**checkpoint["hyper_parameters"]["segmenter"])
        except (KeyError, TypeError):
            raise WeightsError(
                f"{path}: is no checkpoint of train_seg: it does not say which segmenter it is"
            ) from None
        settings.weights = "none"  # all weights are in the checkpoint
        network = build_segmenter(settings)
        load_strictly(network, network_state(checkpoint, path), str(path))
        return cls(network, device=device)

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> Instances:
        """image: `[3, H, W]` float32 RGB in [0, 1]. Returns `Instances` on the CPU, best score first."""
        output = self.network([image.to(self.device)])[0]
        output = {name: value.cpu() for name, value in output.items()}
        return Instances(output["boxes"], output["scores"], output["labels"], output["masks"][:, 0])


def choose_device(accelerator: str) -> str:
    """`auto` takes CUDA, else Apple's GPU, else the CPU."""
    if accelerator != "auto":
        return accelerator
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
