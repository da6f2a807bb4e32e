"""The data module: a source's parts, and loaders that every process fills alike."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.demos.boring_classes import BoringModel

from pochoir.config import AugmentConfig, CocoDataset, FolderDataset, LoaderConfig, MixtureDataset
from pochoir.data.datamodule import EpochSampler, SegmentationData
from pochoir.data.source import Sample, Source
from pochoir.errors import ConfigError, DataError

Make = Callable[..., Any]


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


@pytest.fixture
def opened(augment: AugmentConfig, loader: LoaderConfig) -> Callable[..., SegmentationData]:
    """`opened(dataset, batch_size=…, seed=…, **augment)`: the data module, ready."""

    def make(dataset: Any, *, seed: int = 0, batch_size: int = 2, **changes: Any) -> SegmentationData:
        data = SegmentationData(dataset, augment.but(**changes), loader.but(batch_size=batch_size), seed=seed)
        data.prepare_data()
        data.setup()
        return data

    return make


def test_parts_are_disjoint_and_told_by_name(folder: FolderDataset, opened: Make) -> None:
    data = opened(folder)
    loaded = [all_names(loader) for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())]
    assert sorted(chain.from_iterable(loaded)) == [f"{number}.png" for number in range(10)]
    assert sorted(loaded[0]) == sorted(data.split.train)
    assert loaded[1:] == [data.split.val, data.split.test]


def test_evaluation_goes_one_by_one_in_order_and_is_not_augmented(folder: FolderDataset, opened: Make) -> None:
    data = opened(folder, batch_size=4, flip=1, photometric=1, crop=1)
    for loader, part in ((data.val_dataloader(), data.split.val), (data.test_dataloader(), data.split.test)):
        assert names(loader) == names(loader) == [[name] for name in part]
        for images, targets in loader:
            number = int(Path(targets[0]["name"]).stem)
            assert torch.equal(images[0], torch.full((3, 24, 32), number * 20 / 255))
            assert targets[0]["boxes"].tolist() == [[0, 4, 8 + number, 14]]


def test_training_batches_are_shuffled_augmented_and_complete(folder: FolderDataset, opened: Make) -> None:
    folder = folder.but(val=1, test=0)
    data = opened(folder, batch_size=4, flip=1, photometric=0)
    loader = data.train_dataloader()
    batches = list(loader)
    assert [len(images) for images, _ in batches] == [4, 4, 1]
    assert all(target["boxes"][0, 2] == 32 for _, targets in batches for target in targets)  # flipped to the right
    first = all_names(loader)
    loader.sampler.set_epoch(1)
    assert sorted(all_names(loader)) == sorted(first)
    assert all_names(loader) != first
    assert all_names(opened(folder, seed=1).train_dataloader()) != first


def test_augmentation_differs_by_epoch_and_seed_and_repeats_otherwise(folder: FolderDataset, opened: Make) -> None:
    folder = folder.but(val=9, test=0)
    splits = (folder.but(split_seed=seed) for seed in range(99))
    folder = next(split for split in splits if opened(split).split.train != ["0.png"])  # black stays black

    def brightness(seed: int, epoch: int) -> float:
        loader = opened(folder, seed=seed, photometric=1).train_dataloader()
        loader.sampler.set_epoch(epoch)
        return float(next(iter(loader))[0][0].mean())

    assert brightness(0, 1) == brightness(0, 1)
    assert len({brightness(0, 0), brightness(0, 1), brightness(1, 0)}) == 3


def test_the_split_hangs_on_its_own_seed_not_on_the_runs(folder: FolderDataset, opened: Make) -> None:
    splits = [opened(folder, seed=seed).split for seed in (0, 1)]
    assert splits[0] == splits[1]
    assert opened(folder.but(split_seed=1)).split.train != splits[0].train


def test_a_split_file_is_used_instead_of_drawing(folder: FolderDataset, tmp_path: Path, opened: Make) -> None:
    first = opened(folder).split
    first.write(tmp_path / "split.json")
    folder = folder.but(split_file=str(tmp_path / "split.json"), split_seed=5, val=1)
    again = opened(folder)
    assert again.split == first
    assert all_names(again.val_dataloader()) == first.val
    (tmp_path / "images" / first.train[0]).unlink()
    (tmp_path / "masks" / first.train[0]).unlink()
    with pytest.raises(DataError, match=rf"split\.json: 1 samples are not in the dataset, {first.train[0]}"):
        opened(folder)


def test_nothing_to_train_on_is_a_setting_to_change(folder: FolderDataset, opened: Make) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.val=10"):
        opened(folder.but(val=10))


def test_validation_files_of_their_own_are_validated_on(two_files: CocoDataset, opened: Make) -> None:
    data = opened(two_files)
    assert sorted(data.split.train) == [f"train{i}.png" for i in range(4)]
    assert all_names(data.val_dataloader()) == ["val0.png", "val1.png"]
    assert data.val.source is not data.train.source
    data = opened(two_files.but(test=1))
    assert (len(data.train), len(data.val), len(data.test)) == (3, 2, 1)
    assert names(data.test_dataloader()) == [data.split.test]


def test_photos_of_both_files_are_refused(two_files: CocoDataset, opened: Make) -> None:
    with pytest.raises(DataError, match="trained on says nothing"):
        opened(two_files.but(val_annotations=two_files.annotations))


def test_validation_photos_may_lie_in_a_folder_of_their_own(
    two_files: CocoDataset, tmp_path: Path, opened: Make
) -> None:
    (tmp_path / "elsewhere").mkdir()
    for photo in (tmp_path / "photos").glob("val*.png"):
        photo.rename(tmp_path / "elsewhere" / photo.name)
    data = opened(two_files.but(val_images=str(tmp_path / "elsewhere")))
    assert names(data.val_dataloader()) == [["val0.png"], ["val1.png"]]
    assert len(names(data.train_dataloader())) == 2


def test_loaders_share_the_samples_between_the_processes(folder: FolderDataset, opened: Make) -> None:
    data = opened(folder.but(val=4, test=0))
    trained, validated = [], []
    for rank in range(2):
        data.trainer = SimpleNamespace(world_size=2, global_rank=rank)
        trained.append(all_names(data.train_dataloader()))
        validated.append(all_names(data.val_dataloader()))
    assert sorted(trained[0] + trained[1]) == sorted(data.split.train)
    assert validated == [data.split.val[0::2], data.split.val[1::2]]


def trained(data: SegmentationData, folder: Path) -> list[str]:
    """Names of the samples that a plain Trainer of two epochs sees, in its order."""
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
    trainer = pl.Trainer(accelerator="cpu", max_epochs=2, default_root_dir=folder, **quiet)
    trainer.fit(model, datamodule=data)
    return seen


def test_lightning_advances_the_epoch_of_the_sampler(folder: FolderDataset, tmp_path: Path, opened: Make) -> None:
    data = opened(folder)
    seen = trained(data, tmp_path)
    sampler = EpochSampler(data.train, num_replicas=1, rank=0, seed=0)
    expected = [data.split.train[index] for _, index in sampler]
    sampler.set_epoch(1)
    assert seen == expected + [data.split.train[index] for _, index in sampler]


@pytest.fixture
def mixture(folder: FolderDataset, two_files: CocoDataset, mixed: Make) -> MixtureDataset:
    """Four and five photos to train on; an epoch takes two of the first part and six of the second."""
    parts = {"files": two_files, "folder": folder.but(val=4, test=1)}
    return mixed(parts, weights={"files": 1, "folder": 3}, epoch_length=8)


def test_an_epoch_of_a_mixture_takes_its_parts_by_weight(mixture: MixtureDataset, opened: Make) -> None:
    data = opened(mixture)
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


def test_a_mixture_is_validated_on_what_its_parts_hold_out(mixture: MixtureDataset, opened: Make) -> None:
    data = opened(mixture)
    assert all_names(data.val_dataloader()) == data.split.val
    assert [name.split("/")[0] for name in data.split.val] == ["files"] * 2 + ["folder"] * 4
    assert [name.split("/")[0] for name in data.split.test] == ["folder"]
    ids = [int(target["image_id"]) for _, targets in data.val_dataloader() for target in targets]
    assert len(set(ids)) == 6  # the evaluation tells photos by them


def test_processes_share_a_mixtures_epoch(mixture: MixtureDataset, opened: Make) -> None:
    data = opened(mixture)
    whole = all_names(data.train_dataloader())
    ranks = []
    for rank in range(2):
        data.trainer = SimpleNamespace(world_size=2, global_rank=rank)
        ranks.append(all_names(data.train_dataloader()))
    assert sorted(ranks[0] + ranks[1]) == sorted(whole)


def test_a_resumed_mixture_goes_on_where_it_was(mixture: MixtureDataset, opened: Make) -> None:
    expected = opened(mixture).train_dataloader()
    expected.sampler.set_epoch(3)
    resumed = opened(mixture)
    resumed.load_state_dict({"next_epoch": 3})
    assert all_names(resumed.train_dataloader()) == all_names(expected)


def test_what_is_pasted_is_zoomed_by_a_factor_of_its_own(folder: FolderDataset, opened: Make) -> None:
    zoomed = {"copy_paste": 1, "copy_paste_scale_min": 0.5, "copy_paste_scale_max": 0.5}
    data = opened(folder.but(val=1, test=0), flip=0, photometric=0, **zoomed)
    for index in range(len(data.train)):
        _, target = data.train[0, index]
        assert {5, 10} == {int(box[3] - box[1]) for box in target["boxes"]}  # masks are ten pixels high


def test_constructing_reads_nothing_and_setup_opens_once(
    dataset: Make, augment: AugmentConfig, loader: LoaderConfig, tmp_path: Path
) -> None:
    absent = dataset("pennfudan", root=str(tmp_path / "PennFudanPed"), download=False)
    data = SegmentationData(absent, augment, loader)
    with pytest.raises(DataError, match="downloading is switched off"):
        data.prepare_data()
    with pytest.raises(DataError, match=r"prepare_data\(\) fetches it, and was not called"):
        data.setup()
    data = SegmentationData(dataset("figures", length=4, val=1), augment, loader)
    data.setup("fit")
    train = data.train
    data.setup("validate")
    assert data.train is train


def test_a_plain_trainer_fetches_and_opens(
    dataset: Make, augment: AugmentConfig, loader: LoaderConfig, tmp_path
) -> None:
    figures = dataset("figures", length=4, height=64, width=64, val=1)
    data = SegmentationData(figures, augment, loader)
    assert sorted(trained(data, tmp_path)) == sorted(2 * data.split.train)


def test_sources_of_ones_own_are_trained_and_validated_on(
    sample: Callable[..., Sample],
    source: Callable[..., Source],
    augment: AugmentConfig,
    loader: LoaderConfig,
    tmp_path: Path,
) -> None:
    train = source(*(sample(24, 32, (2, 2, 20, 20)) for _ in range(3)))
    val = source(sample(20, 20, (1, 1, 9, 9)), sample(20, 30))
    data = SegmentationData.of(train, val, augment=augment, loader=loader)
    seen = trained(data, tmp_path)
    assert [sorted(seen[:3]), sorted(seen[3:])] == 2 * [["0.png", "1.png", "2.png"]]
    assert [images[0].shape[-1] for images, _ in data.val_dataloader()] == [20, 30]


def test_two_samples_of_one_name_are_refused(
    sample: Callable[..., Sample], source: Callable[..., Source], augment: AugmentConfig, loader: LoaderConfig
) -> None:
    twins = source(sample(20, 20), sample(20, 20))
    twins.names[1] = "0.png"
    with pytest.raises(DataError, match=r"0\.png is the name of more than one sample"):
        SegmentationData.of(twins, twins, augment=augment, loader=loader).setup()
