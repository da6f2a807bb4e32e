"""Two kinds of objects, told apart from annotations to predictions: a small training, and all that is done with it."""

import json
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pochoir.composition.selection import select
from pochoir.composition.stencil import find
from pochoir.config import EvalSegConfig, TrainSegConfig, load_config
from pochoir.errors import ConfigError
from pochoir.images import read_picture, write_image
from pochoir.runs import eval_seg, export_seg, predict_seg, train_seg
from pochoir.segmentation.segmenter import Segmenter

CATEGORIES = {"bar": 4, "disc": 9}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The settings of a dataset of 16 pictures of 96 × 96 pixels, each of a bright bar and a bright disc."""
    folder = tmp_path_factory.mktemp("shapes")
    rng = np.random.default_rng(0)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for number in range(1, 17):
        image = rng.integers(0, 70, (96, 96, 3), dtype=np.uint8)
        for name, left in zip(CATEGORIES, rng.permutation([4, 52]).tolist(), strict=True):
            x, y = left + rng.integers(0, 10), rng.integers(4, 30)
            if name == "bar":
                width, height = rng.integers(14, 24), rng.integers(40, 60)
                outline = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
            else:
                radius = rng.integers(11, 15)
                outline = np.stack([np.cos(turn), np.sin(turn)], axis=1) * radius + radius + [x, y + 20]
            cv2.fillPoly(image, [outline.round().astype(np.int32)], rng.integers(150, 255, 3).tolist())
            shape = {"segmentation": [outline.astype(float).ravel().tolist()], "category_id": CATEGORIES[name]}
            annotations.append({"id": len(annotations) + 1, "image_id": number, "iscrowd": 0, **shape})
        write_image(folder / "photos" / f"{number:02d}.png", image)
        images.append({"id": number, "file_name": f"{number:02d}.png", "height": 96, "width": 96})
    categories = [{"id": number, "name": name} for name, number in CATEGORIES.items()]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(content))
    files = [f"dataset.annotations={folder / 'instances.json'}", f"dataset.images={folder / 'photos'}"]
    return ["dataset=coco", *files, "dataset.merge=false", "dataset.val=4"]


@pytest.fixture(scope="module")
def settings(shapes: list[str]) -> TrainSegConfig:
    """Three epochs of six steps from the person segmenter."""
    short = ["loader.num_workers=0", "optim.lr=0.001", "ema_decay=0", "shown=1", "trainer.enable_progress_bar=false"]
    network = ["segmenter.min_size=96", "segmenter.max_size=96", "augment.copy_paste=0.2"]
    epochs = ["trainer.max_epochs=3", "trainer.check_val_every_n_epoch=3"]
    return load_config("train_seg", [*shapes, *short, *network, *epochs])


@pytest.fixture(scope="module")
def folder(settings: TrainSegConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a finished training."""
    folder = tmp_path_factory.mktemp("trained")
    train_seg.run(settings, folder)
    return folder


@pytest.fixture(scope="module")
def ckpt(folder: Path) -> Path:
    return folder / "checkpoints" / "best.ckpt"


def test_each_class_has_an_ap_wherever_there_is_one(folder: Path) -> None:
    best = json.loads((folder / "metrics.json").read_text())["best"]
    assert best["mask_ap/bar"] > 0.2
    assert best["mask_ap/disc"] > 0.2
    assert best["mask_ap"] == pytest.approx((best["mask_ap/bar"] + best["mask_ap/disc"]) / 2, abs=1e-3)
    scalars = EventAccumulator(str(folder)).Reload().Tags()["scalars"]
    assert {"val/mask_ap/bar", "val/mask_ap/disc", "val/mask_ap50/bar", "val/box_ap/disc"} <= set(scalars)


def test_a_checkpoint_alone_knows_its_classes(ckpt: Path) -> None:
    assert torch.load(ckpt, weights_only=True)["hyper_parameters"]["classes"] == ["bar", "disc"]
    assert Segmenter(ckpt, device="cpu").classes == ("bar", "disc")


def evaluation(shapes: list[str], weights: Path, *more: str) -> EvalSegConfig:
    return load_config("eval_seg", [*shapes, f"weights={weights}", "part=val", "accelerator=cpu", "shown=0", *more])


def test_measured_again_it_is_the_same_and_a_line_a_class(
    folder: Path, ckpt: Path, shapes: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pochoir")
    eval_seg.run(evaluation(shapes, ckpt), tmp_path)
    best = json.loads((folder / "metrics.json").read_text())["best"]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    for name in ("mask_ap", "mask_ap/bar", "box_ap50/disc"):
        assert metrics[name] == pytest.approx(best[name], abs=1e-4)
    table = [message.split() for message in caplog.messages if message.startswith(("by class", "bar", "disc"))]
    assert [row[0] for row in table] == ["by", "bar", "disc"]
    assert table[1][1] == f"{metrics['mask_ap/bar']:.3f}"


def test_classes_are_matched_by_name(ckpt: Path, shapes: list[str], tmp_path: Path) -> None:
    eval_seg.run(evaluation(shapes, ckpt), tmp_path / "both")
    both = json.loads((tmp_path / "both" / "metrics.json").read_text())
    eval_seg.run(evaluation(shapes, ckpt, "dataset.categories=[disc,bar]"), tmp_path / "turned")
    turned = json.loads((tmp_path / "turned" / "metrics.json").read_text())
    assert turned["mask_ap/bar"] == pytest.approx(both["mask_ap/bar"])
    disc = eval_seg.run(evaluation(shapes, ckpt, "dataset.categories=[disc]"), tmp_path / "disc")
    assert disc == pytest.approx(both["mask_ap/disc"])
    with pytest.raises(ConfigError, match=r"finds bar, disc; the dataset has object, .* dataset\.merge=false"):
        eval_seg.run(evaluation(shapes, ckpt, "dataset.merge=true"), tmp_path / "merged")


def test_predictions_say_what_they_are(ckpt: Path, shapes: list[str], tmp_path: Path) -> None:
    photos = shapes[2].partition("=")[2]
    values = [f"weights={ckpt}", f"input={photos}/01.png", "score_threshold=0", "accelerator=cpu"]
    predict_seg.run(load_config("predict_seg", values), tmp_path)
    content = json.loads((tmp_path / "instances.json").read_text())
    assert content["categories"] == [{"id": 1, "name": "bar"}, {"id": 2, "name": "disc"}]
    found = Segmenter(ckpt, device="cpu")(f"{photos}/01.png")
    assert [one["category_id"] for one in content["annotations"]] == found.labels.tolist()
    assert {"bar", "disc"} == set(found.names)


def test_what_is_exported_finds_the_same_classes(ckpt: Path, shapes: list[str], tmp_path: Path) -> None:
    file = tmp_path / "shapes.safetensors"
    export_seg.run(load_config("export_seg", [f"weights={ckpt}", f"file={file}"]), tmp_path)
    photo = f"{shapes[2].partition('=')[2]}/02.png"
    before, after = (Segmenter(path, device="cpu", score_threshold=0.4)(photo) for path in (ckpt, file))
    assert after.classes == ("bar", "disc")
    assert after.names == before.names
    assert len(after) > 0


def test_a_region_is_chosen_by_class(ckpt: Path, shapes: list[str]) -> None:
    photo = f"{shapes[2].partition('=')[2]}/03.png"
    values = [f"content={photo}", "style=builtin:ink", f"find.weights={ckpt}", "find.score_threshold=0"]
    config = load_config("partial", [*values, "region.classes=[disc]", "trainer.accelerator=cpu"])
    found = find(read_picture(Path(photo)), config)
    chosen = select(found, config.region)
    assert chosen
    assert {found.names[index] for index in chosen} == {"disc"} < set(found.names)


def test_a_training_of_other_classes_is_not_resumed_but_may_start_from_it(
    settings: TrainSegConfig, ckpt: Path, tmp_path: Path
) -> None:
    merged = settings.but(dataset=settings.dataset.but(merge=True))
    with pytest.raises(ConfigError, match=r"trained on the classes bar, disc; now they are object\. Start a new run"):
        train_seg.run(merged.but(resume=str(ckpt)), tmp_path)
    turned = settings.but(dataset=settings.dataset.but(categories=["disc", "bar"]))
    with pytest.raises(ConfigError, match="trained on the classes bar, disc; now they are disc, bar"):
        train_seg.run(turned.but(resume=str(ckpt)), tmp_path)
    trainer = settings.trainer.but(max_epochs=1, check_val_every_n_epoch=1, limit_train_batches=1)
    weights = turned.segmenter.but(weights=str(ckpt))
    assert train_seg.run(turned.but(segmenter=weights, trainer=trainer, shown=0), tmp_path) > 0.1


def test_what_is_in_the_data_is_counted_by_class(settings: TrainSegConfig, tmp_path: Path) -> None:
    train_seg.run(settings.but(check_data=True), tmp_path)
    report = json.loads((tmp_path / "data.json").read_text())
    assert report["train"]["instances_by_class"] == {"bar": 12, "disc": 12}
