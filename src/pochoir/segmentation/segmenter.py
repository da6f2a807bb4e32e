"""From a checkpoint and an image to `Instances`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.config import SegmenterConfig
from pochoir.errors import WeightsError
from pochoir.segmentation.instances import Instances, mask_scores_of
from pochoir.segmentation.models import build_segmenter
from pochoir.weights import load_strictly, network_state, read_checkpoint


class Predictor:
    """Finds instances in images, one at a time, on the device it was given.

    network: a two-class Mask R-CNN. score_threshold: nothing is found below it, nor below the network's own:
    an instance that nobody wants costs the mask head and a pasted mask. Those above are the same whichever it is.
    """

    def __init__(
        self, network: GeneralizedRCNN, *, device: torch.device | str = "cpu", score_threshold: float = 0.0
    ) -> None:
        self.device = torch.device(device)
        self.network = network.eval().to(self.device, memory_format=torch.channels_last)
        self.cells = 2 * network.roi_heads.mask_roi_pool.output_size[0]  # the mask predictor doubles what is pooled
        self.network.roi_heads.score_thresh = max(self.network.roi_heads.score_thresh, score_threshold)

    @classmethod
    def from_checkpoint(cls, path: Path, **settings: Any) -> "Predictor":
        """The network of a train_seg checkpoint, or of what export_seg made of one.

        settings: what a `Predictor` takes. Raises `WeightsError` naming the file when it is none.
        """
        return cls(trained_segmenter(path)[1], **settings)

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> Instances:
        """image: `[3, H, W]` float32 RGB in [0, 1]. Returns `Instances` on the CPU, best score first."""
        output = self.network([image.to(self.device)])[0]
        output = {name: value.cpu() for name, value in output.items()}
        boxes, scores, labels, masks = (output[name] for name in ("boxes", "scores", "labels", "masks"))
        return Instances(boxes, scores, labels, masks[:, 0], mask_scores_of(output), self.cells)


def trained_segmenter(path: Path) -> tuple[SegmenterConfig, GeneralizedRCNN]:
    """A checkpoint of train_seg, or what export_seg made of one: its settings and its network.

    Raises `WeightsError` naming the file when it is neither.
    """
    checkpoint = read_checkpoint(path)
    try:
        settings = SegmenterConfig(**checkpoint["hyper_parameters"]["segmenter"])
    except (KeyError, TypeError):
        raise WeightsError(f"{path}: is no checkpoint of train_seg: it does not say which segmenter it is") from None
    network = build_segmenter(replace(settings, weights="none"))  # all weights are in the checkpoint
    load_strictly(network, network_state(checkpoint, path), str(path))
    return settings, network


def choose_device(accelerator: str) -> str:
    """`auto` takes CUDA, else Apple's GPU, else the CPU."""
    if accelerator != "auto":
        return accelerator
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
