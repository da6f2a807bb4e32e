"""Predicting with a checkpoint: what is written for pictures with objects, without, and for broken ones."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO

from pochoir.config import PredictSegConfig, load_config
from pochoir.data.coco import CocoInstances
from pochoir.errors import DataError
from pochoir.runs.predict_seg import run
from pochoir.segmentation.evaluation import decode_mask
from pochoir.segmentation.segmenter import Segmenter

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ckpt(trained: tuple[Path, float | None]) -> Path:
    return trained[0] / "checkpoints" / "best.ckpt"


@pytest.fixture
def photos(bars: Path, tmp_path: Path) -> Path:
    """Two pictures with bars, of another size than those trained on."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(2):
        Image.open(bars / "images" / f"{index:02d}.png").resize((130, 100)).save(folder / f"{index}.png")
    return folder


def settings(ckpt: Path, photos: Path, score: float = 0.0) -> PredictSegConfig:
    values = [f"weights={ckpt}", f"input={photos}", f"score_threshold={score}", "accelerator=cpu"]
    return load_config("predict_seg", values)


def test_instances_keep_their_contract(ckpt: Path, photos: Path) -> None:
    found = Segmenter(ckpt, device="cpu")(photos / "0.png")
    count = len(found)
    assert count > 0
    assert found.boxes.shape == (count, 4)
    assert found.masks.shape == (count, 100, 130)
    assert found.masks.dtype == torch.float32
    assert found.labels.dtype == torch.int64
    assert 0 <= found.masks.min() <= found.masks.max() <= 1
    assert found.cells == found.above(0.5).cells == 56
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
    half = float(found.scores.median())
    assert len(found.above(half)) == int((found.scores >= half).sum())


def test_a_threshold_changes_what_is_found_only_below_it(ckpt: Path, photos: Path) -> None:
    photo = photos / "0.png"
    found = Segmenter(ckpt, device="cpu")(photo)
    half = float(found.scores[:2].mean())
    above = Segmenter(ckpt, device="cpu", score_threshold=half)(photo)
    assert 0 < len(above) < len(found)
    expected = found.above(half)
    assert torch.equal(above.boxes, expected.boxes)
    assert torch.equal(above.scores, expected.scores)
    torch.testing.assert_close(above.masks, expected.masks, rtol=0, atol=1e-5)
    assert Segmenter(ckpt, device="cpu", score_threshold=0.0).network.roi_heads.score_thresh == 0.05  # the config's


def test_every_instance_gets_a_mask_file_and_a_coco_entry(ckpt: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(settings(ckpt, photos), out)
    coco = COCO(str(out / "instances.json"))
    assert [image["file_name"] for image in coco.dataset["images"]] == ["0.png", "1.png"]
    annotations = coco.dataset["annotations"]
    assert annotations
    overlay = np.asarray(Image.open(out / "overlays" / "0.png.png"))
    assert overlay.shape == (100, 130, 3)
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[1])):
        index = sum(other["id"] < annotation["id"] for other in annotations if other["image_id"] == 1)
        mask = np.asarray(Image.open(out / "masks" / f"0.png_{index}.png"))
        assert set(np.unique(mask)) <= {0, 255}
        assert np.array_equal(mask > 0, decode_mask(annotation["segmentation"]))
        assert np.array_equal(mask > 0, coco.annToMask(annotation) > 0)
        assert annotation["area"] == (mask > 0).sum()
        assert 0 <= annotation["mask_score"] <= annotation["score"] <= 1


def test_tiles_find_what_is_too_small_in_the_whole_photo(ckpt: Path, bars: Path, tmp_path: Path) -> None:
    """Sixteen pictures side by side: in the whole, which the network sees at 96 pixels, bars are a few pixels small."""
    sheet = Image.new("RGB", (384, 384))
    for index in range(16):
        sheet.paste(Image.open(bars / "images" / f"{index:02d}.png"), (index % 4 * 96, index // 4 * 96))
    sheet.save(tmp_path / "sheet.png")
    found = []
    for tiles in ("null", "96"):
        words = [f"weights={ckpt}", f"input={tmp_path / 'sheet.png'}", "accelerator=cpu", f"tiles={tiles}"]
        run(load_config("predict_seg", words), tmp_path / tiles)
        found.append(json.loads((tmp_path / tiles / "instances.json").read_text())["annotations"])
        assert len(list((tmp_path / tiles).glob("masks/*.png"))) == len(found[-1])
    assert len(found[1]) > len(found[0]) + 8  # there are 24


def test_a_picture_without_objects_is_reported(
    ckpt: Path, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        run(settings(ckpt, photos / "0.png", score=1.0), tmp_path / "out")
    assert "0.png: no object found" in caplog.messages
    assert json.loads((tmp_path / "out" / "instances.json").read_text())["annotations"] == []
    assert not (tmp_path / "out" / "masks").exists()


def test_what_an_earlier_run_has_left_in_its_folder_goes(ckpt: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(settings(ckpt, photos / "0.png"), out)
    before = {path.name for path in (out / "masks").iterdir()}
    run(settings(ckpt, photos / "1.png"), out)
    assert [path.name for path in (out / "overlays").iterdir()] == ["1.png.png"]
    assert before.isdisjoint(path.name for path in (out / "masks").iterdir())


def test_unreadable_pictures_are_named_skipped_and_told_by_the_exit_code(
    ckpt: Path, photos: Path, tmp_path: Path
) -> None:
    (photos / "broken.jpg").write_bytes(b"no picture")
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "scripts/predict_seg.py"),
            f"weights={ckpt}",
            f"input={photos}",
            f"hydra.run.dir={tmp_path / 'out'}",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert f"skipped: {photos / 'broken.jpg'}" in done.stdout
    assert len(json.loads((tmp_path / "out" / "instances.json").read_text())["images"]) == 2


def test_a_folder_without_pictures_is_an_error(ckpt: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        run(settings(ckpt, tmp_path / "empty"), tmp_path)


def test_sub_folders_are_predicted_too_and_names_do_not_collide(
    ckpt: Path, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (photos / "sub").mkdir()
    Image.open(photos / "1.png").save(photos / "sub" / "0.png")
    Image.open(photos / "1.png").convert("RGB").save(photos / "2.gif")
    (photos / "notes.txt").touch()
    (photos / "._0.png").touch()
    out = photos / "out"  # what is written there is not looked at the next time
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            run(settings(ckpt, photos), out)
    content = json.loads((out / "instances.json").read_text())
    assert [image["file_name"] for image in content["images"]] == ["0.png", "1.png", "2.gif", "sub/0.png"]
    assert (out / "overlays" / "sub" / "0.png.png").read_bytes() != (out / "overlays" / "0.png.png").read_bytes()
    assert {path.name for path in (out / "masks" / "sub").iterdir()} >= {"0.png_0.png"}
    assert "passed over, as they are no pictures: notes.txt" in caplog.messages
    again = CocoInstances(out / "instances.json", photos)  # what is predicted can be corrected and trained on
    assert again.missing == []
    assert len(again.read(3).masks) > 0
