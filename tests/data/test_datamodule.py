"""The data module: a source's parts, and loaders that every process fills alike."""

from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.demos.boring_classes import BoringModel

from pochoir.config import AugmentConfig, CocoDataset, FolderDataset, MixtureDataset, SplitDataset
from pochoir.data.datamodule import EpochSampler, SegmentationData
from pochoir.errors import ConfigError, DataError


def names(loader: Any) -> list[list[str]]:
    return [[target["name"] for target in targets] for _, targets in loader]


def all_names(loader: Any) -> list[str]:
    return list(chain.from_iterable(names(loader)))


def test_the_sampler_hands_out_epoch_and_index() -> None:
    sampler = EpochSampler(range(10), num_replicas=1, rank=0, seed=0)
    sampler.set_epoch(3)
    keys = list(sampler)
    assert {epoch for epoch, _ in keys} == {3}
    assert sorted(index for _, index in keys) == list(range(10))
    assert all(type(index) is int for _, index in keys)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = EpochSampler(range(30), num_replicas=1, rank=0, seed=seed)
        sampler.set_epoch(epoch)
        return [index for _, index in sampler]

    torch.manual_seed(1)
    first = order(0, 0)
    torch.manual_seed(2)
    assert order(0, 0) == first != list(range(30))
    assert order(0, 1) != first
    assert order(1, 0) != first


def test_ranks_share_the_samples_without_overlap() -> None:
    ranks = [[i for _, i in EpochSampler(range(10), num_replicas=2, rank=rank, seed=0)] for rank in range(2)]
    assert len(ranks[0]) == len(ranks[1]) == 5
    assert sorted(ranks[0] + ranks[1]) == list(range(10))


def test_parts_are_disjoint_and_told_by_name(folder: FolderDataset) -> None:
    data = SegmentationData(folder, AugmentConfig())
    loaded = [all_names(loader) for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())]
    assert sorted(chain.from_iterable(loaded)) == [f"{number}.png" for number in range(10)]
    assert sorted(loaded[0]) == sorted(data.split.train)
    assert loaded[1:] == [data.split.val, data.split.test]


def test_evaluation_goes_one_by_one_in_order_and_is_not_augmented(folder: FolderDataset) -> None:
    folder.batch_size = 4
    data = SegmentationData(folder, AugmentConfig(flip=1, photometric=1, crop=1))
    for loader, part in ((data.val_dataloader(), data.split.val), (data.test_dataloader(), data.split.test)):
        assert names(loader) == names(loader) == [[name] for name in part]
        for images, targets in loader:
            number = int(Path(targets[0]["name"]).stem)
            assert torch.equal(images[0], torch.full((3, 24, 32), number * 20 / 255))
            assert targets[0]["boxes"].tolist() == [[0, 4, 8 + number, 14]]


def test_training_batches_are_shuffled_augmented_and_complete(folder: FolderDataset) -> None:
    folder.val, folder.test, folder.batch_size = 1, 0, 4
    data = SegmentationData(folder, AugmentConfig(flip=1, photometric=0))
    loader = data.train_dataloader()
    batches = list(loader)
    assert [len(images) for images, _ in batches] == [4, 4, 1]
    assert all(target["boxes"][0, 2] == 32 for _, targets in batches for target in targets)  # flipped to the right
    first = all_names(loader)
    loader.sampler.set_epoch(1)
    assert sorted(all_names(loader)) == sorted(first)
    assert all_names(loader) != first
    assert all_names(SegmentationData(folder, AugmentConfig(), seed=1).train_dataloader()) != first


def test_augmentation_differs_by_epoch_and_seed_and_repeats_otherwise(folder: FolderDataset) -> None:
    folder.val, folder.test = 9, 0

    def brightness(seed: int, epoch: int) -> float:
        loader = SegmentationData(folder, AugmentConfig(photometric=1), seed=seed).train_dataloader()
        loader.sampler.set_epoch(epoch)
        return float(next(iter(loader))[0][0].mean())

    folder.split_seed = next(s for s in range(99) if _trained(folder, s) != ["0.png"])  # black stays black
    assert brightness(0, 1) == brightness(0, 1)
    assert len({brightness(0, 0), brightness(0, 1), brightness(1, 0)}) == 3


def _trained(config: SplitDataset, split_seed: int) -> list[str]:
    config.split_seed = split_seed
    return SegmentationData(config, AugmentConfig()).split.train


def test_the_split_hangs_on_its_own_seed_not_on_the_runs(folder: FolderDataset) -> None:
    splits = [SegmentationData(folder, AugmentConfig(), seed=seed).split for seed in (0, 1)]
    assert splits[0] == splits[1]
    assert _trained(folder, 1) != splits[0].train


def test_a_split_file_is_used_instead_of_drawing(folder: FolderDataset, tmp_path: Path) -> None:
    first = SegmentationData(folder, AugmentConfig()).split
    first.write(tmp_path / "split.json")
    folder.split_file, folder.split_seed, folder.val = str(tmp_path / "split.json"), 5, 1
    again = SegmentationData(folder, AugmentConfig())
    assert again.split == first
    assert all_names(again.val_dataloader()) == first.val
    (tmp_path / "images" / first.train[0]).unlink()
    (tmp_path / "masks" / first.train[0]).unlink()
    with pytest.raises(DataError, match=rf"split\.json: 1 samples are not in the dataset, {first.train[0]}"):
        SegmentationData(folder, AugmentConfig())


def test_nothing_to_train_on_is_a_setting_to_change(folder: FolderDataset) -> None:
    folder.val = 10
    with pytest.raises(ConfigError, match=r"dataset\.val=10"):
        SegmentationData(folder, AugmentConfig())


def test_validation_files_of_their_own_are_validated_on(two_files: CocoDataset) -> None:
    data = SegmentationData(two_files, AugmentConfig())
    assert sorted(data.split.train) == [f"train{i}.png" for i in range(4)]
    assert all_names(data.val_dataloader()) == ["val0.png", "val1.png"]
    assert data.val_source is not data.source
    two_files.test = 1
    data = SegmentationData(two_files, AugmentConfig())
    assert (len(data.train), len(data.val), len(data.test)) == (3, 2, 1)
    assert names(data.test_dataloader()) == [data.split.test]


def test_photos_of_both_files_are_refused(two_files: CocoDataset) -> None:
    two_files.val_annotations = two_files.annotations
    with pytest.raises(DataError, match="trained on says nothing"):
        SegmentationData(two_files, AugmentConfig())


def test_validation_photos_may_lie_in_a_folder_of_their_own(two_files: CocoDataset, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for photo in (tmp_path / "photos").glob("val*.png"):
        photo.rename(tmp_path / "elsewhere" / photo.name)
    two_files.val_images = str(tmp_path / "elsewhere")
    data = SegmentationData(two_files, AugmentConfig())
    assert names(data.val_dataloader()) == [["val0.png"], ["val1.png"]]
    assert len(names(data.train_dataloader())) == 2


def test_loaders_share_the_samples_between_the_processes(folder: FolderDataset) -> None:
    folder.val, folder.test = 4, 0
    data = SegmentationData(folder, AugmentConfig())
    trained, validated = [], []
    for rank in range(2):
        data.trainer = SimpleNamespace(world_size=2, global_rank=rank)
        trained.append(all_names(data.train_dataloader()))
        validated.append(all_names(data.val_dataloader()))
    assert sorted(trained[0] + trained[1]) == sorted(data.split.train)
    assert validated == [data.split.val[0::2], data.split.val[1::2]]


def test_lightning_advances_the_epoch_of_the_sampler(folder: FolderDataset, tmp_path: Path) -> None:
    data = SegmentationData(folder, AugmentConfig())
    model, seen = BoringModel(), []

    def training_step(batch: Any) -> torch.Tensor:
        seen.extend(target["name"] for target in batch[1])
        return model(torch.ones(1, 32)).sum()

    model.training_step, model.validation_step = training_step, lambda *_: None
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    trainer = pl.Trainer(accelerator="cpu", max_epochs=2, default_root_dir=tmp_path, **quiet)
    trainer.fit(model, datamodule=data)
    sampler = EpochSampler(data.train, num_replicas=1, rank=0, seed=0)
    expected = [data.split.train[index] for _, index in sampler]
    sampler.set_epoch(1)
    assert seen == expected + [data.split.train[index] for _, index in sampler]


@pytest.fixture
def mixture(folder: FolderDataset, two_files: CocoDataset) -> MixtureDataset:
    """Four and five photos to train on; an epoch takes two of the first part and six of the second."""
    folder.val, folder.test = 4, 1
    return MixtureDataset(
        parts={"files": two_files, "folder": folder}, weights={"files": 1, "folder": 3}, epoch_length=8, num_workers=0
    )


def test_an_epoch_of_a_mixture_takes_its_parts_by_weight(mixture: MixtureDataset) -> None:
    data = SegmentationData(mixture, AugmentConfig())
    loader = data.train_dataloader()
    assert len(loader) == 4
    seen = []
    for epoch in range(10):
        loader.sampler.set_epoch(epoch)
        drawn = all_names(loader)
        assert sum(name.startswith("files/") for name in drawn) == 2
        assert sum(name.startswith("folder/") for name in drawn) == 6
        assert [name.split("/")[0] for name in drawn] != sorted(name.split("/")[0] for name in drawn) or epoch
        seen += drawn
    assert set(seen) == set(data.split.train)
    assert {seen.count(name) for name in set(seen)} == {5, 12}  # 20 draws of 4 photos, 60 of 5


def test_a_mixture_is_validated_on_what_its_parts_hold_out(mixture: MixtureDataset) -> None:
    data = SegmentationData(mixture, AugmentConfig())
    assert all_names(data.val_dataloader()) == data.split.val
    assert [name.split("/")[0] for name in data.split.val] == ["files"] * 2 + ["folder"] * 4
    assert [name.split("/")[0] for name in data.split.test] == ["folder"]
    ids = [int(target["image_id"]) for _, targets in data.val_dataloader() for target in targets]
    assert len(set(ids)) == 6  # the evaluation tells photos by them


def test_processes_share_a_mixtures_epoch(mixture: MixtureDataset) -> None:
    data = SegmentationData(mixture, AugmentConfig())
    whole = all_names(data.train_dataloader())
    ranks = []
    for rank in range(2):
        data.trainer = SimpleNamespace(world_size=2, global_rank=rank)
        ranks.append(all_names(data.train_dataloader()))
    assert sorted(ranks[0] + ranks[1]) == sorted(whole)


def test_a_resumed_mixture_goes_on_where_it_was(mixture: MixtureDataset) -> None:
    expected = SegmentationData(mixture, AugmentConfig()).train_dataloader()
    expected.sampler.set_epoch(3)
    resumed = SegmentationData(mixture, AugmentConfig())
    resumed.load_state_dict({"next_epoch": 3})
    assert all_names(resumed.train_dataloader()) == all_names(expected)


def test_what_is_pasted_is_zoomed_by_a_factor_of_its_own(folder: FolderDataset) -> None:
    folder.val, folder.test = 1, 0
    augment = AugmentConfig(flip=0, photometric=0, copy_paste=1, copy_paste_scale_min=0.5, copy_paste_scale_max=0.5)
    data = SegmentationData(folder, augment)
    for index in range(len(data.train)):
        _, target = data.train[0, index]
        assert {5, 10} == {int(box[3] - box[1]) for box in target["boxes"]}  # masks are ten pixels high
