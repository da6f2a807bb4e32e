"""The LightningModule by itself: with a plain Trainer, and back from its checkpoint alone."""

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from pochoir.config import TrainSegConfig, load_config
from pochoir.data.datamodule import SegmentationData
from pochoir.data.dataset import collate
from pochoir.segmentation.module import Batch, SegmentationModule
from pochoir.segmentation.segmenter import Segmenter


@pytest.fixture(scope="module")
def settings() -> TrainSegConfig:
    photos = ["dataset.length=4", "dataset.height=64", "dataset.width=96", "dataset.val=2", "loader.num_workers=0"]
    network = ["segmenter.weights=none", "segmenter.min_size=64", "segmenter.max_size=96", "optim.lr=0.002"]
    return load_config("train_seg", [*photos, *network])


@pytest.fixture(scope="module")
def data(settings: TrainSegConfig) -> SegmentationData:
    """Two photos to learn from, a batch, and two to validate on."""
    return SegmentationData(settings.dataset, settings.augment, settings.loader)


@pytest.fixture(scope="module")
def batch(data: SegmentationData) -> Batch:
    data.setup()
    return collate([data.val[0], data.val[1]])


def plain_trainer(folder: Path, **more: Any) -> pl.Trainer:
    return pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **more,
    )


@pytest.fixture(scope="module")
def fitted(settings: TrainSegConfig, data: SegmentationData, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A module that has learnt for a step, and its checkpoint, whose first weights are gone."""
    folder = tmp_path_factory.mktemp("plain")
    first = SegmentationModule(settings.segmenter, settings.optim).network.state_dict()
    torch.save(first, folder / "first.pt")
    segmenter = settings.segmenter.but(weights=str(folder / "first.pt"))
    module = SegmentationModule(segmenter, settings.optim, seed=3, split_digest="abc")
    trainer = plain_trainer(folder)
    trainer.fit(module, datamodule=data)
    trainer.save_checkpoint(folder / "best.ckpt")
    (folder / "first.pt").unlink()
    assert not all(torch.equal(value, first[name]) for name, value in module.network.state_dict().items())
    return module, folder / "best.ckpt"


def test_a_checkpoint_alone_gives_the_module_back(fitted: Any, batch: Batch) -> None:
    module, ckpt = fitted
    again = SegmentationModule.load_from_checkpoint(ckpt, weights_only=True)
    assert again.hparams == {**module.hparams, "started_from": "none"}
    assert (again.optim, again.seed) == (module.optim, 3)
    assert again.hparams["split_digest"] == "abc"
    state = again.network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in module.network.state_dict().items())
    with torch.no_grad():
        for one, other in zip(module.eval()(batch[0]), again.eval()(batch[0]), strict=True):
            assert all(torch.equal(other[name], value) for name, value in one.items())


def test_a_plain_trainer_measures(fitted: Any, data: SegmentationData, tmp_path: Path) -> None:
    module, _ = fitted
    (measured,) = plain_trainer(tmp_path).validate(module, datamodule=data, verbose=False)
    assert measured["val/mask_ap"] == module.evaluation.metrics["mask_ap"]
    assert len(module.records) == 2


def test_a_look_at_photos_without_objects_before_training_ends_nothing(
    settings: TrainSegConfig, data: SegmentationData, tmp_path: Path
) -> None:
    data.setup()
    image, target = data.val[0]
    nothing = {name: value if name in {"name", "image_id"} else value[:0] for name, value in target.items()}
    photos: Any = [(image, nothing), data.val[1]]
    trainer = plain_trainer(tmp_path, num_sanity_val_steps=1)
    module = SegmentationModule(settings.segmenter, settings.optim)
    trainer.fit(module, data.train_dataloader(), DataLoader(photos, collate_fn=collate))
    assert "val/mask_ap" in trainer.callback_metrics


def test_settings_may_be_dictionaries(settings: TrainSegConfig) -> None:
    module = SegmentationModule(settings.segmenter.model_dump(), settings.optim.model_dump())
    assert module.optim == settings.optim
    assert module.hparams["segmenter"] == settings.segmenter.model_dump()


def test_convolutions_lie_channels_last(fitted: Any) -> None:
    weight = fitted[0].network.backbone.body.conv_stem.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("weights", ["builtin:person", "gone/best.ckpt", "imagenet"])
def test_checkpoints_of_the_version_before_say_what_they_started_from(
    fitted: Any, weights: str, tmp_path: Path
) -> None:
    module, _ = fitted
    own = {"segmenter": {**module.hparams["segmenter"], "weights": weights}, "split_digest": "abc"}
    torch.save({"state_dict": module.state_dict(), "hyper_parameters": own}, tmp_path / "best.ckpt")
    state = Segmenter(tmp_path / "best.ckpt", device="cpu").network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in module.network.state_dict().items())


def test_a_checkpoint_knows_its_classes(settings: TrainSegConfig, tmp_path: Path) -> None:
    module = SegmentationModule(settings.segmenter, settings.optim, classes=("balloon", "person"))
    trainer = plain_trainer(tmp_path, max_steps=0)
    trainer.strategy.connect(module)
    trainer.save_checkpoint(tmp_path / "two.ckpt")
    again = SegmentationModule.load_from_checkpoint(tmp_path / "two.ckpt", weights_only=True)
    assert again.classes == ("balloon", "person")
    assert again.hparams == module.hparams
    found = Segmenter(tmp_path / "two.ckpt", device="cpu")
    assert found.classes == ("balloon", "person")
    state = found.network.state_dict()
    assert all(torch.equal(state[name], value) for name, value in module.network.state_dict().items())


def test_checkpoints_of_before_several_classes_have_one(fitted: Any, batch: Batch, tmp_path: Path) -> None:
    module, ckpt = fitted
    content = torch.load(ckpt, weights_only=True)
    del content["hyper_parameters"]["classes"]
    torch.save(content, tmp_path / "old.ckpt")
    old = SegmentationModule.load_from_checkpoint(tmp_path / "old.ckpt", weights_only=True)
    assert old.classes == ("object",)
    found = Segmenter(tmp_path / "old.ckpt", device="cpu")
    assert found.classes == ("object",)
    with torch.no_grad():
        before, after = module.eval()(batch[0])[0], found.network(batch[0])[0]
    assert all(torch.equal(after[name], value) for name, value in before.items())
