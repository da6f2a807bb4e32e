"""A run's weights as a small file: the same network in half the bytes, taken wherever a checkpoint is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from pochoir.config import TrainSegConfig, load_config
from pochoir.errors import ConfigError, WeightsError
from pochoir.runs.export_seg import run
from pochoir.runs.train_seg import check_resumable
from pochoir.segmentation.models import build_segmenter
from pochoir.segmentation.module import SegmentationModule
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
