"""From a picture to `Instances`, by a network that comes with the project, one of your own, or one in memory."""

from collections.abc import Sequence
from copy import deepcopy
from os import PathLike
from typing import NamedTuple

import torch
from pydantic import ValidationError
from torch import Tensor
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.config import SegmenterConfig
from pochoir.config.validation import as_union
from pochoir.data.source import ONE_CLASS
from pochoir.devices import device_of
from pochoir.errors import ConfigError, DataError, WeightsError
from pochoir.images import PictureLike, Pixels, as_picture, to_tensor
from pochoir.segmentation.classes import classes_in
from pochoir.segmentation.detections import Detections, View, detect
from pochoir.segmentation.instances import Instances
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.tiles import SMALLEST, Seen, Tile, joined, seen, tiles_of
from pochoir.weights import load_strictly, network_file, network_state, read_checkpoint


class Segmenter:
    """Finds instances in pictures, one at a time: `Segmenter("person")("photo.jpg")`.

    network: the name of one that comes with the project, a checkpoint of train_seg or what export_seg made of one, or a
    Mask R-CNN, which stays as it is: a copy is worked with. classes: of a Mask R-CNN, the names of its labels 1, 2, …;
    None: "object", or where there are several, their numbers. device: an accelerator's name, see `device_of`,
    or torch's own. score_threshold: nothing is found below it, nor below the network's own: an instance that nobody
    wants costs the mask head and a pasted mask. Those above are the same whichever it is. tiles: look at square tiles
    of so many pixels, too, for small objects of large photos, see `segmentation.tiles`; None: at the whole photo alone.
    Nothing of the process is changed: torch.set_flush_denormal(True), as commands have it, is the caller's to say.
    Raises `WeightsError` naming a file that is no checkpoint, `ConfigError` for a device that is not there, and for
    tiles too small to see anything in.
    """

    def __init__(
        self,
        network: str | PathLike[str] | GeneralizedRCNN,
        *,
        classes: Sequence[str] | None = None,
        device: str | torch.device = "auto",
        score_threshold: float = 0.0,
        tiles: int | None = None,
    ) -> None:
        if tiles is not None and tiles < SMALLEST:
            raise ConfigError(f"tiles: {tiles} must be at least {SMALLEST} pixels, or None")
        self.device = device_of(device, "device") if isinstance(device, str) else device
        if isinstance(network, str | PathLike):
            _, own, self.classes = trained_segmenter(network)
        else:
            own = deepcopy(network)
            self.classes = numbered_classes(own) if classes is None else tuple(classes)
        self.network = own.eval().to(self.device, memory_format=torch.channels_last)
        self.cells = 2 * own.roi_heads.mask_roi_pool.output_size[0]  # the mask predictor doubles what is pooled
        own.roi_heads.score_thresh = max(own.roi_heads.score_thresh, score_threshold)
        self.tiles = tiles

    def __call__(self, picture: PictureLike) -> Instances:
        """picture: a path, a PIL picture, an array or a tensor, see `images.as_picture`; what is transparent is white.

        Returns `Instances` on the CPU, best score first. Raises `DataError` for what is no picture.
        """
        return self.detect(picture).instances()

    def detect(self, picture: PictureLike) -> Detections:
        """The same with masks that are not pasted yet: all that fits into memory of very large photos."""
        given = as_picture(picture)
        photo, size = given.on_white, given.size
        if min(size) * self.network.transform.max_size <= max(size):  # nothing of it would be left
            raise DataError(f"{given.name}: {size[1]}×{size[0]} pixels are too long and narrow to find objects in")
        tiles = [] if self.tiles is None else tiles_of(size, self.tiles)
        views = (self._seen(photo, tile) for tile in [Tile(0, 0, *size), *tiles])
        found = seen(views, size)
        objects = joined(found) if tiles else [[index] for index in range(len(found.scores))]
        return self._of_objects(found, objects, photo)

    @torch.no_grad()
    def _seen(self, photo: Pixels, tile: Tile) -> tuple[Tile, dict[str, Tensor]]:
        part = photo[tile.top : tile.bottom, tile.left : tile.right]
        found = detect(self.network, to_tensor(part).to(self.device))
        return tile, {name: value.cpu() for name, value in found.items()}

    def _of_objects(self, found: Seen, objects: Sequence[Sequence[int]], photo: Pixels) -> Detections:
        """Best first; an object's scores are those of the best of its parts, its box is around all of them."""
        objects = sorted(objects, key=lambda parts: -float(found.scores[parts[0]]))
        best = [parts[0] for parts in objects]
        boxes = [found.boxes[list(parts)] for parts in objects]
        around = [torch.cat([part[:, :2].amin(dim=0), part[:, 2:].amax(dim=0)]) for part in boxes]
        return Detections(
            torch.stack(around) if around else found.boxes,
            found.scores[best],
            found.labels[best],
            found.mask_scores[best],
            [[View(found.boxes[part].numpy(), found.masks[part].numpy()) for part in parts] for parts in objects],
            self.cells,
            photo,
            self.classes,
        )


class TrainedSegmenter(NamedTuple):
    """classes: names of the labels 1, 2, …."""

    settings: SegmenterConfig
    network: GeneralizedRCNN
    classes: tuple[str, ...]


def numbered_classes(network: GeneralizedRCNN) -> tuple[str, ...]:
    """Names for the labels of a network that has none: "object", or where there are several, "1", "2", …."""
    count = network.roi_heads.box_predictor.cls_score.out_features - 1
    return ONE_CLASS if count == 1 else tuple(str(number) for number in range(1, count + 1))


def trained_segmenter(weights: str | PathLike[str]) -> TrainedSegmenter:
    """The settings, with weights "none", the network and the classes of one that comes with the project, a checkpoint
    of train_seg, or what export_seg made of one.

    Raises `WeightsError` naming the file when it is none of these.
    """
    path = network_file(weights)
    checkpoint = read_checkpoint(path)
    try:
        # all weights are in the checkpoint
        settings = as_union(SegmenterConfig, {**checkpoint["hyper_parameters"]["segmenter"], "weights": "none"})
        classes = classes_in(checkpoint)
    except (KeyError, TypeError, ValidationError):
        raise WeightsError(f"{path}: is no checkpoint of train_seg: it does not say which segmenter it is") from None
    network = build_segmenter(settings, classes)
    load_strictly(network, network_state(checkpoint, path), str(path))
    return TrainedSegmenter(settings, network, classes)
