"""A run's weights as a small file: the same network in half the bytes, taken wherever a checkpoint is."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from pochoir.config import TrainSegConfig, load_config
from pochoir.errors import ConfigError, WeightsError
from pochoir.images import to_tensor
from pochoir.runs.export_seg import run
from pochoir.runs.train_seg import check_resumable
from pochoir.segmentation.export import OUTPUTS, differences, to_onnx
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.module import SegmentationModule
from pochoir.segmentation.pasting import pasted
from pochoir.segmentation.segmenter import Segmenter, trained_segmenter

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ckpt(trained: tuple[Path, float | None]) -> Path:
    return trained[0] / "checkpoints" / "best.ckpt"


@pytest.fixture(scope="module")
def exported(ckpt: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("exported") / "bars.safetensors"
    command = [sys.executable, ROOT / "scripts/export_seg.py", f"weights={ckpt}", f"file={file}"]
    done = subprocess.run(
        [*command, f"hydra.run.dir={file.parent / 'run'}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "bars.safetensors: 6," in done.stdout
    return file


def test_it_finds_the_same(ckpt: Path, exported: Path, bars: Path) -> None:
    photo = bars / "images" / "01.png"
    before, after = (Segmenter(path, device="cpu", score_threshold=0.3)(photo) for path in (ckpt, exported))
    assert len(before) == len(after) > 0
    torch.testing.assert_close(after.scores, before.scores, rtol=0, atol=0.02)
    torch.testing.assert_close(after.boxes, before.boxes, rtol=0, atol=1)


def test_half_precision_and_a_word_on_what_it_is(ckpt: Path, exported: Path) -> None:
    assert exported.stat().st_size < 14e6 < ckpt.stat().st_size / 4
    with safe_open(exported, framework="pt") as file:
        names = file.keys()
        assert {file.get_tensor(name).dtype for name in names} == {torch.float16}
        own = json.loads(file.metadata()["hyper_parameters"])
    settings, network, _ = trained_segmenter(exported)
    assert own["segmenter"] == {**own["segmenter"], "name": "maskrcnn_lite", "min_size": 96, "weights": "none"}
    assert settings.model_dump() == own["segmenter"]
    assert {value.dtype for value in network.state_dict().values()} == {torch.float32}


def export(ckpt: Path, file: Path, *overrides: str) -> None:
    run(load_config("export_seg", [f"weights={ckpt}", f"file={file}", *overrides]), file.parent)


def test_it_may_be_given_another_input_size(ckpt: Path, tmp_path: Path) -> None:
    export(ckpt, tmp_path / "large.safetensors", "min_size=128", "max_size=320")
    settings, network, _ = trained_segmenter(tmp_path / "large.safetensors")
    assert (settings.min_size, settings.max_size) == (128, 320)
    assert (network.transform.min_size, network.transform.max_size) == ((128,), 320)
    with pytest.raises(ConfigError, match="min_size: 4000 is larger than max_size"):
        export(ckpt, tmp_path / "none.safetensors", "min_size=4000")
    assert not (tmp_path / "none.safetensors").exists()


def test_other_programs_find_the_same_in_it_without_pytorch(ckpt: Path, bars: Path, tmp_path: Path) -> None:
    """In photos of several sizes, in one without objects, and with masks pasted by numpy."""
    onnxruntime = pytest.importorskip("onnxruntime")
    export(ckpt, tmp_path / "bars.onnx", "min_size=128", "max_size=160")
    known = json.loads((tmp_path / "bars.json").read_text())
    assert known["input"]["resized_inside"] == {"min_size": 128, "max_size": 160}
    assert known["classes"] == ["object"]
    assert known["thresholds"]["score_inside"] == 0.05
    assert known["segmenter"]["name"] == "maskrcnn_lite"
    assert known["versions"]["torch"]
    assert list(known["differences_from_pytorch"]) == list(OUTPUTS)
    session = onnxruntime.InferenceSession(tmp_path / "bars.onnx")
    settings, network, _ = trained_segmenter(ckpt)
    network = build_segmenter(settings.but(min_size=128, max_size=160, weights=str(ckpt)))
    find = Segmenter(network, device="cpu")
    photo = Image.open(bars / "images" / "01.png")
    for size in ((96, 96), (131, 97), (96, 400), (64, 67)):
        pixels = np.asarray(photo.resize(size))
        image = to_tensor(pixels).numpy()
        boxes, labels, scores, mask_scores, cells = session.run(None, {"image": image})
        expected = find(pixels)
        assert len(expected) > 0
        np.testing.assert_allclose(boxes, expected.boxes, atol=0.1)
        np.testing.assert_allclose(scores, expected.scores, atol=1e-3)
        np.testing.assert_allclose(mask_scores, expected.mask_scores, atol=1e-3)
        np.testing.assert_array_equal(labels, expected.labels)
        np.testing.assert_allclose(pasted(cells, boxes, pixels.shape[:2]), expected.masks, atol=0.05)
    boxes, *_, cells = session.run(None, {"image": np.zeros((3, 80, 120), np.float32)})
    assert len(boxes) == len(find(np.zeros((80, 120, 3), np.uint8))) == 0
    assert cells.shape == (0, 56, 56)


def test_a_graph_that_gives_something_else_is_not_written(
    ckpt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr("pochoir.segmentation.export.TOLERANCES", dict.fromkeys(OUTPUTS, -1.0))
    with pytest.raises(WeightsError, match="the ONNX graph differs from PyTorch by"):
        export(ckpt, tmp_path / "bars.onnx")
    assert not list(tmp_path.glob("bars.*"))


def test_onnx_needs_packages_that_are_named(ckpt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pochoir.segmentation.export.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install onnx onnxruntime"):
        export(ckpt, tmp_path / "bars.onnx")


def test_torchvisions_networks_are_exported_too() -> None:
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    words = ["segmenter=maskrcnn_resnet50", "segmenter.weights=none", "segmenter.min_size=64", "segmenter.max_size=96"]
    network = build_segmenter(load_config("train_seg", [*words, "segmenter.max_detections=5"]).segmenter).eval()
    image = torch.rand(3, 64, 80)
    assert differences(network, to_onnx(network, image), [image, torch.rand(3, 90, 70)])["masks"] < 0.01


def test_a_run_starts_from_it(exported: Path) -> None:
    network = build_segmenter(load_config("train_seg", [f"segmenter.weights={exported}"]).segmenter)
    expected = trained_segmenter(exported)[1].state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


def test_a_run_is_not_continued_from_it(exported: Path, tiny: TrainSegConfig) -> None:
    with pytest.raises(ConfigError, match="holds weights only"):
        check_resumable(SegmentationModule(tiny.segmenter, tiny.optim), exported)


def test_a_weight_beyond_half_precision_is_refused(ckpt: Path, tmp_path: Path) -> None:
    checkpoint = torch.load(ckpt, weights_only=True)
    checkpoint["state_dict"]["network.backbone.body.conv_stem.shift"][3] = 1e6
    torch.save(checkpoint, tmp_path / "large.ckpt")
    with pytest.raises(WeightsError, match=r"large\.ckpt: backbone\.body\.conv_stem\.shift do not fit into half"):
        export(tmp_path / "large.ckpt", tmp_path / "large.safetensors")
    assert not (tmp_path / "large.safetensors").exists()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match=r"a\.safetensors: cannot be read as safetensors"):
        trained_segmenter(tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=r"b\.safetensors: no such checkpoint"):
        trained_segmenter(tmp_path / "b.safetensors")


def test_weights_of_nobody_knows_what_are_named(exported: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_file(load_file(exported), tmp_path / "anonymous.safetensors")
    with pytest.raises(WeightsError, match=r"anonymous\.safetensors: is no checkpoint of train_seg"):
        trained_segmenter(tmp_path / "anonymous.safetensors")
    weights = f"segmenter.weights={tmp_path / 'anonymous.safetensors'}"
    assert build_segmenter(load_config("train_seg", [weights]).segmenter).roi_heads is not None
