"""A prediction run: a picture or a folder of them to overlays, mask files and COCO-format results."""

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from pochoir.config import PredictSegConfig
from pochoir.devices import device_of
from pochoir.errors import DataError, SomeInputsFailedError, number_of, some
from pochoir.files import write_json
from pochoir.images import find_all_images, write_image
from pochoir.images.overlays import draw_instances
from pochoir.segmentation.detections import Detections
from pochoir.segmentation.evaluation import coco_categories, coco_detections
from pochoir.segmentation.segmenter import Segmenter

log = logging.getLogger(__name__)


def run(settings: PredictSegConfig, folder: Path) -> None:
    """Segment every picture of `settings.input`, sub-folders included, and write what is found into `folder`.

    Writes overlays/<name>.png, masks/<name>_<k>.png (0 and 255, one an instance), where a name is a path within the
    input, and instances.json: a COCO instance file whose annotations carry scores, with the network's classes as
    categories. What an earlier run left there goes. Names pictures without objects, those that cannot be read, and
    files that are passed over. Raises `SomeInputsFailedError` at the end for what cannot be read, `DataError` when
    there is no picture at all.
    """
    given = Path(settings.input).expanduser()
    paths = _pictures(given, folder)
    device = device_of(settings.accelerator)
    segmenter = Segmenter(
        settings.weights, device=device, score_threshold=settings.score_threshold, tiles=settings.tiles
    )
    for name in ("overlays", "masks"):  # those of an earlier run in this folder
        shutil.rmtree(folder / name, ignore_errors=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    empty, failures = [], []
    for path in track(paths, description="Predicting", console=Console(stderr=True), disable=len(paths) < 2):
        try:
            found = segmenter.detect(path)
        except DataError as error:
            failures.append(str(error))
            continue
        name = path.relative_to(given).as_posix() if path != given else path.name
        height, width = found.size
        images.append({"id": len(images) + 1, "file_name": name, "height": height, "width": width})
        for annotation in _written(found, folder, name, settings.mask_threshold):
            annotations.append({"id": len(annotations) + 1, "image_id": len(images), **annotation})
        if not found:
            empty.append(name)
    content = {"info": {"description": f"pochoir predict_seg, {settings.weights}"}, "images": images}
    categories = coco_categories(segmenter.classes)
    write_json(folder / "instances.json", {**content, "annotations": annotations, "categories": categories})
    found_in = number_of("picture", len(images))
    log.info("%s in %s: %s", number_of("instance", len(annotations)), found_in, folder)
    for name in empty:
        log.info("%s: no object found", name)
    for failure in failures:
        log.warning("skipped: %s", failure)
    if failures:
        raise SomeInputsFailedError(f"{number_of('picture', len(failures))} could not be read")


def _pictures(given: Path, folder: Path) -> list[Path]:
    """The picture that is given, or all in the folder that is; what is passed over there is told."""
    if not given.is_dir():
        return [given]
    paths, passed_over = find_all_images(given, without=folder)
    if passed_over:
        log.info("passed over, as they are no pictures: %s", some(path.relative_to(given) for path in passed_over))
    if not paths:
        raise DataError(f"input: {given} holds no pictures")
    return paths


def _written(found: Detections, folder: Path, name: str, mask_threshold: float) -> list[dict[str, Any]]:
    """Write a picture's overlay and masks; returns its COCO annotations, without ids.

    One mask is in memory at a time: a hundred of a large photo would fill it.
    """
    overlay = draw_instances(found.photo, found.solid(mask_threshold), found.captions())
    # the whole name, ending included: a.jpg and a.png may lie in one folder
    write_image(folder / "overlays" / f"{name}.png", overlay)
    annotations = []
    for index, mask in enumerate(found.solid(mask_threshold)):
        write_image(folder / "masks" / f"{name}_{index}.png", mask.view(np.uint8) * 255)
        columns = (found.boxes, found.scores, found.mask_scores, found.labels)
        box, score, mask_score, label = (column[index : index + 1] for column in columns)
        (annotation,) = coco_detections(box, mask[None], score, mask_score, label)
        annotations.append({**annotation, "area": int(np.count_nonzero(mask)), "iscrowd": 0})
    return annotations
