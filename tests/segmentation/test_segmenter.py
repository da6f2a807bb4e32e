"""From whatever a picture is in to what is in it, by a network that stays as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from pochoir.config import load_config
from pochoir.data.figures import Figures
from pochoir.errors import ConfigError, DataError, WeightsError
from pochoir.images import Pixels, to_tensor
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.segmenter import Segmenter


@pytest.fixture(scope="module")
def network() -> GeneralizedRCNN:
    torch.manual_seed(0)
    sizes = ["segmenter.min_size=96", "segmenter.max_size=160"]
    return build_segmenter(load_config("train_seg", ["segmenter.weights=none", *sizes]).segmenter)


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return Figures(length=2, size=(96, 130)).read(1).image


def test_a_picture_may_come_as_anything(network: GeneralizedRCNN, photo: Pixels, tmp_path: Path) -> None:
    find = Segmenter(network, device="cpu")
    Image.fromarray(photo).save(tmp_path / "photo.png")
    file, picture, tensor = tmp_path / "photo.png", Image.fromarray(photo), to_tensor(photo)
    first, *others = (find(source) for source in (file, str(file), picture, photo, tensor, tensor[None]))
    assert len(first) > 0
    assert first.masks.shape[1:] == photo.shape[:2]
    for found in others:
        assert torch.equal(found.masks, first.masks)
        assert torch.equal(found.boxes, first.boxes)
        assert np.array_equal(found.photo, photo)
    first.masks.mul_(0.5)  # as inference mode would forbid
    with pytest.raises(DataError, match="not int"):
        find(3)  # type: ignore[arg-type]


def test_a_picture_of_which_nothing_would_be_left_is_named(network: GeneralizedRCNN) -> None:
    with pytest.raises(DataError, match=r"picture: 3200×10 pixels are too long and narrow to find objects in"):
        Segmenter(network, device="cpu")(np.zeros((10, 3200, 3), dtype=np.uint8))


def test_a_network_that_is_handed_in_stays_as_it_was(network: GeneralizedRCNN, photo: Pixels) -> None:
    """Its mode, its device, its thresholds, and so the AP of later validations."""
    image = [to_tensor(photo)]
    with torch.no_grad():
        before = network.eval()(image)[0]
    network.train()
    half = float(before["scores"].median())
    find = Segmenter(network, device="cpu", score_threshold=half)
    assert 0 < len(find(photo)) < len(before["scores"])
    assert all(module.training for module in network.roi_heads.modules())
    assert network.roi_heads.score_thresh == 0.05  # the config's
    assert not {id(value) for value in network.parameters()} & {id(value) for value in find.network.parameters()}
    with torch.no_grad():
        after = network.eval()(image)[0]
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_copy_may_go_to_another_device(network: GeneralizedRCNN) -> None:
    find = Segmenter(network, device=torch.device("meta"))
    assert next(find.network.parameters()).is_meta
    assert not next(network.parameters()).is_meta


def test_a_device_that_is_not_there(network: GeneralizedRCNN, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="device: torch finds no cuda on this machine"):
        Segmenter(network, device="cuda")


def test_a_name_that_is_none() -> None:
    with pytest.raises(WeightsError, match=r"^persn: no such checkpoint; .*: person; did you mean 'person'\?"):
        Segmenter("persn", device="cpu")


def test_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "x.ckpt").write_bytes(b"junk")
    with pytest.raises(WeightsError, match=r"x\.ckpt"):
        Segmenter(tmp_path / "x.ckpt", device="cpu")
    torch.save({"a": torch.zeros(1)}, tmp_path / "y.ckpt")
    with pytest.raises(WeightsError, match="no checkpoint of train_seg"):
        Segmenter(tmp_path / "y.ckpt", device="cpu")


def test_classes_of_a_network_in_memory(network: GeneralizedRCNN, photo: Pixels) -> None:
    assert Segmenter(network, device="cpu")(photo).classes == ("object",)
    config = load_config("train_seg", ["segmenter.weights=none", "segmenter.min_size=96", "segmenter.max_size=160"])
    several = build_segmenter(config.segmenter, ("a", "b"))
    assert Segmenter(several, device="cpu").classes == ("1", "2")
    found = Segmenter(several, device="cpu", classes=["balloon", "person"])(photo)
    assert found.classes == ("balloon", "person")
    assert set(found.names) == {"balloon", "person"}
