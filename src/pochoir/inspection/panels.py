"""A callback that shows, after every validation, what the AP stands for: overlays, mistakes, curves and counts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from pochoir.data.dataset import SegmentationDataset
from pochoir.data.source import ONE_CLASS
from pochoir.images import Pixels, to_pixels, write_image
from pochoir.images.overlays import beside, draw_instances, grid
from pochoir.inspection.loggers import PICTURES, add_picture, logger_of
from pochoir.inspection.mistakes import show_mistakes
from pochoir.segmentation.evaluation import ImageRecord, decode_masks
from pochoir.segmentation.module import SegmentationModule


class ValidationPanels(pl.Callback):
    """Ground truth beside prediction of the same validation photos each time, the worst photos, and the measures.

    Pictures go to `folder`, the latest overwriting, with sheets of them as `sheet.png` and `worst.png`, and curves, AP
    by size and confusion as `measures.png`; a few are logged. threshold: detections below are not drawn, nor counted.
    counts: of the last validation, see `show_mistakes`.
    """

    def __init__(self, dataset: SegmentationDataset, folder: Path, *, shown: int, threshold: float) -> None:
        self.dataset = dataset
        self.folder = folder
        self.shown = min(shown, len(dataset))
        self.threshold = threshold
        self.counts: dict[str, float] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: SegmentationModule) -> None:  # type: ignore[override]
        if not trainer.is_global_zero or pl_module.evaluation is None:
            return
        logger, step = logger_of(trainer), trainer.global_step
        by_id = {item.image_id: item for item in pl_module.records}
        pictures = []
        for index in range(self.shown):
            image, target = self.dataset[index]
            item = by_id.get(int(target["image_id"]))
            if item is None:  # a limited validation did not look at it
                continue
            pictures.append(truth_beside_prediction(to_pixels(image), item, self.threshold, pl_module.classes))
            write_image(self.folder / f"{index:02d}_{Path(target['name']).stem}.png", pictures[-1])
            if len(pictures) <= PICTURES:
                add_picture(logger, f"val/{index:02d}", pictures[-1], step)
        if pictures:
            write_image(self.folder / "sheet.png", grid(pictures, columns=2))
        worst, measures, self.counts = show_mistakes(
            pl_module.records,
            pl_module.evaluation.of_classes(pl_module.classes),
            self._photo,
            self.folder,
            shown=self.shown,
            threshold=self.threshold,
        )
        for rank, picture in enumerate(worst[:PICTURES]):
            add_picture(logger, f"val/worst/{rank}", picture, step)
        add_picture(logger, "val/measures", measures, step)

    def state_dict(self) -> dict[str, Any]:
        return {"counts": self.counts}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.counts = state_dict["counts"]

    def _photo(self, item: ImageRecord) -> tuple[str, Pixels]:
        image, target = self.dataset[self.dataset.place_of(item.image_id)]
        return target["name"], to_pixels(image)


def truth_beside_prediction(
    image: Pixels, item: ImageRecord, threshold: float, classes: Sequence[str] = ONE_CLASS
) -> Pixels:
    """Left the ground truth (crowds as "ignored"), right the detections from `threshold` on with their scores, both
    with the names of their classes where they have some."""

    def name(annotation: dict[str, Any]) -> str:
        return "" if tuple(classes) == ONE_CLASS else classes[annotation["category_id"] - 1]

    shown = [detection for detection in item.detections if detection["score"] >= threshold]
    truth = [f"{name(one)} {'ignored' if one['iscrowd'] else ''}".strip() for one in item.truth]
    left = draw_instances(image, decode_masks(item.truth, item.size), truth)
    scores = [f"{name(detection)} {detection['score']:.2f}".strip() for detection in shown]
    return beside([left, draw_instances(image, decode_masks(shown, item.size), scores)])
