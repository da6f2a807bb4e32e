"""Samples: as they are for evaluation; for training a pure function of seed, epoch and index."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from pochoir.config import AugmentConfig, load_config
from pochoir.data.dataset import SegmentationDataset, collate
from pochoir.data.source import Sample, Source
from pochoir.data.targets import Pair, boxes_from_masks, check_target
from pochoir.data.transforms import training_transforms
from pochoir.errors import DataError

Make = Callable[..., Any]
UNZOOMED = load_config("train_seg").augment.but(scale_min=1, scale_max=1)
ALL_OUT = UNZOOMED.but(crop=1, scale_min=0.5, scale_max=2, photometric=1, copy_paste=0.5)


@pytest.fixture
def photos(sample: Callable[..., Sample], source: Callable[..., Source]) -> Source:
    """Four photos of different sizes: two instances, an instance in a crowd, none, one."""
    return source(
        sample(40, 48, (2, 3, 22, 33), (20, 10, 45, 30)),
        sample(36, 40, (0, 0, 40, 36), (5, 5, 25, 30), crowd=(0,)),
        sample(32, 44),
        sample(44, 32, (4, 4, 28, 40)),
    )


def training(photos: Source, *, seed: int = 0, augment: AugmentConfig = ALL_OUT) -> SegmentationDataset:
    indices = range(len(photos.names))
    transforms = training_transforms(augment)
    return SegmentationDataset(photos, indices, augment=transforms, copy_paste=augment.copy_paste, seed=seed)


def same(one: Pair, other: Pair) -> bool:
    (image, target), (other_image, other_target) = one, other
    tensors = target.keys() - {"name"}
    return (
        torch.equal(image, other_image)
        and target["name"] == other_target["name"]
        and all(torch.equal(target[key], other_target[key]) for key in tensors)
    )


def test_evaluation_sees_the_photo_as_it_is_with_its_crowds(photos: Source) -> None:
    dataset = SegmentationDataset(photos, [1, 3])
    image, target = dataset[0]
    sample = photos.read(1)
    assert np.array_equal((image * 255).round().byte().permute(1, 2, 0).numpy(), sample.image)
    assert np.array_equal(target["masks"].bool().numpy(), sample.masks)
    assert target["iscrowd"].tolist() == [1, 0]
    assert target["boxes"].tolist() == [[0, 0, 40, 36], [5, 5, 25, 30]]
    assert target["area"].tolist() == [40 * 36, 20 * 25]
    assert len(dataset) == 2


def test_evaluation_draws_nothing(photos: Source) -> None:
    dataset = SegmentationDataset(photos, range(4))
    torch.manual_seed(1)
    first = [dataset[index] for index in range(4)]
    torch.manual_seed(2)
    assert all(same(first[index], dataset[index]) for index in range(4))


def test_training_leaves_crowds_out(photos: Source) -> None:
    nothing = UNZOOMED.but(flip=0, photometric=0)
    _, target = training(photos, augment=nothing)[1]
    assert target["iscrowd"].tolist() == [0]
    assert target["boxes"].tolist() == [[5, 5, 25, 30]]
    pasted = training(photos, augment=UNZOOMED.but(flip=0, photometric=0, copy_paste=1))
    targets = [pasted[epoch, index][1] for epoch in range(5) for index in range(4)]
    assert max(len(target["area"]) for target in targets) > 2
    for target in targets:  # neither does a crowd come in as a pasted instance
        assert not target["iscrowd"].any()
        assert (target["area"] < 40 * 36).all()


def test_image_ids_are_unique_and_positive_in_every_part(photos: Source) -> None:
    parts = SegmentationDataset(photos, [2, 0]), SegmentationDataset(photos, [3, 1])
    ids = [int(part[index][1]["image_id"]) for part in parts for index in range(2)]
    assert sorted(ids) == [1, 2, 3, 4]
    assert [parts[0][index][1]["name"] for index in range(2)] == ["2.png", "0.png"]


def test_a_training_sample_is_a_function_of_seed_epoch_and_index(photos: Source) -> None:
    dataset = training(photos)
    in_order = {(epoch, index): dataset[epoch, index] for epoch in range(2) for index in range(4)}
    torch.manual_seed(99)
    again = training(photos)
    for key in reversed(in_order):
        assert same(in_order[key], again[key])
    for index in (0, 1, 3):
        assert not same(in_order[0, index], in_order[1, index])
        assert not same(in_order[0, index], training(photos, seed=1)[0, index])
    assert same(dataset[2], dataset[0, 2])


def test_workers_make_the_samples_that_this_process_makes(photos: Source) -> None:
    keys = [(epoch, index) for epoch in range(2) for index in range(4)]
    loaders = [
        DataLoader(training(photos), batch_size=1, sampler=keys, num_workers=workers, collate_fn=collate)
        for workers in (0, 2)
    ]
    batches = [list(loader) for loader in loaders]
    for (images, targets), (worker_images, worker_targets) in zip(*batches, strict=True):
        assert same((images[0], targets[0]), (worker_images[0], worker_targets[0]))


def test_a_spawned_worker_can_be_sent_the_dataset(photos: Source) -> None:
    dataset = training(photos)
    assert same(pickle.loads(pickle.dumps(dataset))[1, 0], dataset[1, 0])


def test_samples_leave_the_global_random_state_alone(photos: Source) -> None:
    dataset = training(photos)
    before = torch.get_rng_state()
    for index in range(4):
        dataset[3, index]
    assert torch.equal(torch.get_rng_state(), before)


def test_the_draw_belongs_to_the_photo_not_to_its_place_in_the_part(photos: Source) -> None:
    flips = training_transforms(UNZOOMED.but(flip=0.5, photometric=1))
    one, other = (SegmentationDataset(photos, indices, augment=flips) for indices in ([0, 3], [3, 0]))
    assert same(one[5, 0], other[5, 1])


def test_augmented_targets_are_derived_from_their_masks(photos: Source) -> None:
    dataset = training(photos)
    changed = 0
    for epoch in range(5):
        for index in range(4):
            image, target = dataset[epoch, index]
            check_target(image, target)
            assert torch.equal(target["boxes"].as_subclass(torch.Tensor), boxes_from_masks(target["masks"]))
            assert target["area"].tolist() == target["masks"].sum(dim=(1, 2)).tolist()
            changed += target["area"].tolist() != SegmentationDataset(photos, [index])[0][1]["area"].tolist()
    assert changed >= 10


def test_copy_paste_adds_instances_of_other_photos(photos: Source) -> None:
    dataset = training(photos, augment=UNZOOMED.but(flip=0, photometric=0, copy_paste=1))
    counts = {len(dataset[epoch, 2][1]["masks"]) for epoch in range(20)}  # photo 2 has none of its own
    assert counts == {0, 1, 2}  # 0: pasted from itself
    lonely = SegmentationDataset(photos, [0], augment=dataset.augment, copy_paste=1)
    assert len(lonely[0][1]["masks"]) == 2


def test_masks_of_another_size_are_refused_by_name(source: Callable[..., Source]) -> None:
    wrong = Sample(np.zeros((6, 8, 3), np.uint8), np.ones((1, 8, 6), bool), np.zeros(1, bool))
    with pytest.raises(DataError, match=r"0\.png: the masks are \[8, 6\] pixels, the image \[6, 8\]"):
        SegmentationDataset(source(wrong), [0])[0]


def test_what_breaks_the_contract_is_refused_by_name(photos: Source) -> None:
    def darken(pair: Any) -> Any:
        return pair[0] - 2, pair[1]

    with pytest.raises(DataError, match=r"1\.png: image values"):
        SegmentationDataset(photos, [1], augment=darken)[0]


def test_a_batch_keeps_images_of_unequal_sizes(photos: Source) -> None:
    dataset = SegmentationDataset(photos, range(4))
    images, targets = collate([dataset[0], dataset[3]])
    assert [tuple(image.shape) for image in images] == [(3, 40, 48), (3, 44, 32)]
    assert [type(image) for image in images] == [torch.Tensor] * 2
    assert [target["name"] for target in targets] == ["0.png", "3.png"]


def test_several_photos_may_be_pasted_from(photos: Source) -> None:
    plain = training_transforms(UNZOOMED.but(flip=0, photometric=0))
    most = {}
    for limit in (1, 4):
        dataset = SegmentationDataset(photos, [2, 0, 1, 3], augment=plain, copy_paste=1, copy_paste_photos=limit)
        pairs = [dataset[epoch, 0] for epoch in range(40)]  # onto the photo without instances
        for image, target in pairs:
            check_target(image, target)
        most[limit] = max(len(target["masks"]) for _, target in pairs)
    assert most[1] == 2  # of the photo that has as many
    assert most[4] > 2


def test_what_is_pasted_has_an_augmentation_of_its_own(photos: Source) -> None:
    plain = training_transforms(UNZOOMED.but(flip=0, photometric=0))
    flipped = training_transforms(UNZOOMED.but(flip=1, photometric=0))
    dataset = SegmentationDataset(photos, [2, 0], augment=plain, copy_paste=1, paste_augment=flipped)
    image, _ = SegmentationDataset(photos, [2])[0]
    boxes = set()
    for epoch in range(20):
        pasted, target = dataset[epoch, 0]
        boxes |= {tuple(box) for box in target["boxes"].tolist()}
        untouched = ~target["masks"].bool().any(dim=0)
        assert torch.equal(pasted[:, untouched], image[:, untouched])
    assert {box[0] for box in boxes if box[3] == 32} == {48 - 22}  # the first instance, mirrored and cut


def test_labels_of_a_source_reach_the_targets_and_wrong_ones_are_named(source: Make, sample: Make) -> None:
    photo = sample(20, 30, (0, 0, 10, 10), (10, 0, 30, 20), crowd=(0,))
    named = source(replace(photo, labels=np.array([1, 2])), replace(photo, labels=np.array([1, 3])), photo)
    named.classes = ["balloon", "person"]
    dataset = SegmentationDataset(named, [0, 1, 2])
    assert dataset.classes == ("balloon", "person")
    assert dataset[0][1]["labels"].tolist() == [1, 2]
    assert dataset[2][1]["labels"].tolist() == [1, 1]
    training = SegmentationDataset(named, [0], augment=lambda pair: pair)
    assert training[0][1]["labels"].tolist() == [2]  # the crowd is left out
    with pytest.raises(DataError, match=r"^1\.png: labels \[1, 3\] are not all numbers of classes \(1 b"):
        dataset[1]
    for wrong in (np.array([1]), np.array([1.0, 2.0])):
        broken = source(replace(photo, labels=wrong))
        with pytest.raises(DataError, match=r"^0\.png: labels are (int|float)64 \[[12]\], not \[2\] whole numbers"):
            SegmentationDataset(broken, [0])[0]


@pytest.mark.parametrize("classes", ["balloon", [], ["a", "a"], [""], [1, 2]])
def test_classes_are_different_words(source: Make, sample: Make, classes: Any) -> None:
    named = source(sample(20, 30))
    named.classes = classes
    with pytest.raises(DataError, match="SimpleNamespace: classes are"):
        SegmentationDataset(named, [0])
