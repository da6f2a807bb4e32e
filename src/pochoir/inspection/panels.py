"""A callback that shows, after every validation, what the AP stands for: overlays and precision-recall curves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pochoir.data.dataset import SegmentationDataset
from pochoir.data.source import ONE_CLASS
from pochoir.images import Pixels, to_pixels, write_image
from pochoir.images.overlays import beside, draw_instances, grid
from pochoir.inspection.tensorboard import PICTURES, add_picture, writer_of
from pochoir.segmentation.evaluation import Evaluation, ImageRecord, decode_mask
from pochoir.segmentation.module import SegmentationModule


class ValidationPanels(pl.Callback):
    """Ground truth beside prediction of the same validation photos each time, and PR curves at IoU .5 and .75.

    Pictures go to `folder`, the latest overwriting, with a sheet of all of them as `sheet.png`; a few to TensorBoard.
    threshold: detections below are not drawn.
    """

    def __init__(self, dataset: SegmentationDataset, folder: Path, *, shown: int, threshold: float) -> None:
        self.dataset = dataset
        self.folder = folder
        self.shown = min(shown, len(dataset))
        self.threshold = threshold

    def on_validation_end(self, trainer: pl.Trainer, pl_module: SegmentationModule) -> None:  # type: ignore[override]
        if not trainer.is_global_zero or pl_module.evaluation is None:
            return
        writer = writer_of(trainer)
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
                add_picture(writer, f"val/{index:02d}", pictures[-1], trainer.global_step)
        if pictures:
            write_image(self.folder / "sheet.png", grid(pictures, columns=2))
        if writer is not None:
            figure = precision_recall_figure(pl_module.evaluation)
            writer.add_figure("val/precision_recall", figure, trainer.global_step)


def truth_beside_prediction(
    image: Pixels, item: ImageRecord, threshold: float, classes: Sequence[str] = ONE_CLASS
) -> Pixels:
    """Left the ground truth (crowds as "ignored"), right the detections from `threshold` on with their scores, both
    with the names of their classes where they have some."""

    def name(annotation: dict[str, Any]) -> str:
        return "" if tuple(classes) == ONE_CLASS else classes[annotation["category_id"] - 1]

    shown = [detection for detection in item.detections if detection["score"] >= threshold]
    truth = [f"{name(one)} {'ignored' if one['iscrowd'] else ''}".strip() for one in item.truth]
    left = draw_instances(image, _masks(item.truth, item.size), truth)
    scores = [f"{name(detection)} {detection['score']:.2f}".strip() for detection in shown]
    return beside([left, draw_instances(image, _masks(shown, item.size), scores)])


def _masks(annotations: list[dict[str, Any]], size: tuple[int, int]) -> NDArray[np.bool_]:
    decoded = [decode_mask(annotation["segmentation"]) for annotation in annotations]
    return np.stack(decoded) if decoded else np.zeros((0, *size), dtype=bool)


def precision_recall_figure(evaluation: Evaluation) -> Figure:
    """Precision over recall for boxes and masks; the area under a curve is AP50 or AP75."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    for (kind, iou), curve in evaluation.curves.items():
        style = "-" if kind == "mask" else "--"
        area = curve.precision.mean()
        axes.plot(curve.recall, curve.precision, style, label=f"{kind}, IoU {iou:.2f}: {area:.3f}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower left")
    axes.grid(alpha=0.3)
    return figure
