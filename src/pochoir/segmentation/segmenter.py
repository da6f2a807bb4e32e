"""From a picture to `Instances`, by a network that comes with the project, one of your own, or one in memory."""

from copy import deepcopy
from os import PathLike

import torch
from pydantic import ValidationError
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.config import SegmenterConfig
from pochoir.config.validation import as_union
from pochoir.devices import device_of
from pochoir.errors import WeightsError
from pochoir.images import PictureLike, as_picture, to_tensor
from pochoir.segmentation.instances import Instances, mask_scores_of
from pochoir.segmentation.models import build_segmenter
from pochoir.weights import load_strictly, network_file, network_state, read_checkpoint


class Segmenter:
    """Finds instances in pictures, one at a time: `Segmenter("person")("photo.jpg")`.

    network: the name of one that comes with the project, a checkpoint of train_seg or what export_seg made of one, or a
    two-class Mask R-CNN, which stays as it is: a copy is worked with. device: an accelerator's name, see `device_of`,
    or torch's own. score_threshold: nothing is found below it, nor below the network's own: an instance that nobody
    wants costs the mask head and a pasted mask. Those above are the same whichever it is.
    Raises `WeightsError` naming a file that is no checkpoint, `ConfigError` for a device that is not there.
    """

    def __init__(
        self,
        network: str | PathLike[str] | GeneralizedRCNN,
        *,
        device: str | torch.device = "auto",
        score_threshold: float = 0.0,
    ) -> None:
        self.device = device_of(device, "device") if isinstance(device, str) else device
        own = trained_segmenter(network)[1] if isinstance(network, str | PathLike) else deepcopy(network)
        self.network = own.eval().to(self.device, memory_format=torch.channels_last)
        self.cells = 2 * own.roi_heads.mask_roi_pool.output_size[0]  # the mask predictor doubles what is pooled
        own.roi_heads.score_thresh = max(own.roi_heads.score_thresh, score_threshold)

    @torch.no_grad()
    def __call__(self, picture: PictureLike) -> Instances:
        """picture: a path, a PIL picture, an array or a tensor, see `images.as_picture`; what is transparent is white.

        Returns `Instances` on the CPU, best score first. Raises `DataError` for what is no picture.
        """
        photo = as_picture(picture).on_white
        output = self.network([to_tensor(photo).to(self.device)])[0]
        output = {name: value.cpu() for name, value in output.items()}
        boxes, scores, labels, masks = (output[name] for name in ("boxes", "scores", "labels", "masks"))
        return Instances(boxes, scores, labels, masks[:, 0], mask_scores_of(output), self.cells, photo)


def trained_segmenter(weights: str | PathLike[str]) -> tuple[SegmenterConfig, GeneralizedRCNN]:
    """The settings, with weights "none", and the network of one that comes with the project, a checkpoint of train_seg,
    or what export_seg made of one.

    Raises `WeightsError` naming the file when it is none of these.
    """
    path = network_file(weights)
    checkpoint = read_checkpoint(path)
    try:
        # all weights are in the checkpoint
        settings = as_union(SegmenterConfig, {**checkpoint["hyper_parameters"]["segmenter"], "weights": "none"})
    except (KeyError, TypeError, ValidationError):
        raise WeightsError(f"{path}: is no checkpoint of train_seg: it does not say which segmenter it is") from None
    network = build_segmenter(settings)
    load_strictly(network, network_state(checkpoint, path), str(path))
    return settings, network
