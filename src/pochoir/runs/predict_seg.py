"""A prediction run: a picture or a folder of them to overlays, mask files and COCO-format results."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from pochoir.config import PredictSegConfig
from pochoir.errors import DataError
from pochoir.files import write_json
from pochoir.images import pictures_at, read_rgb, to_tensor, write_image
from pochoir.images.overlays import draw_instances
from pochoir.segmentation.evaluation import encode_masks, xywh
from pochoir.segmentation.segmenter import Predictor, choose_device


@dataclass
class PredictionSummary:
    """What was found: COCO-format `images` and `annotations`, names of pictures without objects, and what failed."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def predict(config: PredictSegConfig, folder: Path) -> PredictionSummary:
    """Segment every picture of `config.input` and write what is found into `folder`.

    Writes overlays/<name>.png, masks/<name>_<k>.png (0 and 255, one an instance), and instances.json: a COCO instance
    file whose annotations carry a score. Unreadable pictures are named, skipped and listed in `failures`; a picture
    without objects is reported in `empty`. Raises `DataError` when there is no picture at all.
    """
    paths = pictures_at(Path(config.input).expanduser(), "input")
    predictor = Predictor.from_checkpoint(
        Path(config.ckpt).expanduser(),
        device=choose_device(config.accelerator),
        score_threshold=config.score_threshold,
    )
    summary = PredictionSummary()
    for path in track(paths, description="Predicting", console=Console(stderr=True), disable=len(paths) < 2):
        try:
            pixels = read_rgb(path)
        except DataError as error:
            summary.failures.append(str(error))
            continue
        _predict_one(path, pixels, predictor, config, folder, summary)
    write_json(
        folder / "instances.json",
        {
            "info": {"description": f"pochoir predict_seg, {config.ckpt}"},
            "images": summary.images,
            "annotations": summary.annotations,
            "categories": [{"id": 1, "name": "object"}],
        },
    )
    _report(summary, folder)
    return summary


def _predict_one(
    path: Path,
    pixels: np.ndarray,
    predictor: Predictor,
    config: PredictSegConfig,
    folder: Path,
    summary: PredictionSummary,
) -> None:
    instances = predictor(to_tensor(pixels)).above(config.score_threshold)
    masks = (instances.masks >= config.mask_threshold).numpy()
    image_id = len(summary.images) + 1
    summary.images.append({"id": image_id, "file_name": path.name, "height": pixels.shape[0], "width": pixels.shape[1]})
    if len(instances) == 0:
        summary.empty.append(path.name)
    # the whole name, ending included: a.jpg and a.png may lie in one folder
    labels = [f"{index} {score:.2f}" for index, score in enumerate(instances.scores.tolist())]
    write_image(folder / "overlays" / f"{path.name}.png", draw_instances(pixels, masks, labels))
    columns = (instances.boxes, instances.scores, instances.mask_scores)
    found = zip(masks, encode_masks(masks), *(column.tolist() for column in columns), strict=True)
    for index, (mask, code, box, score, mask_score) in enumerate(found):
        write_image(folder / "masks" / f"{path.name}_{index}.png", mask.astype(np.uint8) * 255)
        summary.annotations.append(
            {
                "id": len(summary.annotations) + 1,
                "image_id": image_id,
                "category_id": 1,
                "bbox": xywh(box),
                "segmentation": code,
                "area": int(mask.sum()),
                "iscrowd": 0,
                "score": round(score, 5),
                "mask_score": round(mask_score, 5),
            }
        )


def _report(summary: PredictionSummary, folder: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{len(summary.annotations)} instances in {len(summary.images)} pictures: {folder}")
    for name in summary.empty:
        console.print(f"{name}: no object found")
    for failure in summary.failures:
        console.print(f"skipped: {failure}", style="red")
