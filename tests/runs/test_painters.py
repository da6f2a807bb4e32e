"""Tasks that use a painter: stylize and partial at once, a start from its picture, and its export."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pochoir
from painters import write_painter
from pochoir.config import PartialConfig, StylizeConfig, load_config
from pochoir.errors import ConfigError
from pochoir.files import read_json
from pochoir.images import read_rgb, write_image
from pochoir.runs.export_painter import run as export_painter
from pochoir.runs.partial import partial, partials
from pochoir.runs.stylize import stylize
from pochoir.stylization.painters.files import trained_painter

FEW = [
    *("trainer.accelerator=cpu", "encoder.precision=float32", "recipe.coarsest=48", "recipe.steps=[3]"),
    *("encoder.content_layers=[relu2_1]", "encoder.style_layers=[relu1_1]"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos, a mask of the first, the pictures of two styles, and a painter of both."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    for name in ("photos/a.png", "photos/b.png", "styles/waves.png", "styles/ink.png"):
        write_image(folder / name, rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    mask = np.zeros((48, 64), dtype=np.uint8)
    mask[8:40, 10:44] = 255
    write_image(folder / "mask.png", mask)
    write_painter(folder / "painter.safetensors", "waves", "ink")
    return folder


def words(files: Path, *more: str) -> list[str]:
    return [
        *("method=painter", f"painter.weights={files / 'painter.safetensors'}", f"style={files / 'styles/waves.png'}"),
        *(*FEW, *more),
    ]


def test_a_folder_of_photos_in_two_styles(files: Path, tmp_path: Path) -> None:
    both = ["style=null", f"styles=[{files / 'styles'}]", f"content={files / 'photos'}"]
    config: StylizeConfig = load_config("stylize", [*words(files)[:2], *both])
    summary = stylize(config, tmp_path)
    assert sorted(summary.results) == ["a__ink", "a__waves", "b__ink", "b__waves"]
    assert summary.objective is None  # nothing was measured
    assert {path.name for path in (tmp_path / "a__ink").iterdir()} == {"result.png", "metrics.json", "settings.json"}
    assert (tmp_path / "sheet.png").is_file()
    waves, ink = (read_rgb(tmp_path / f"a__{style}" / "result.png") for style in ("waves", "ink"))
    assert waves.shape == (48, 64, 3)
    assert (waves != ink).any()


def test_what_is_painted_is_kept_and_other_settings_are_told(files: Path, tmp_path: Path) -> None:
    content = f"content={files / 'photos/a.png'}"
    config = load_config("stylize", words(files, content))
    stylize(config, tmp_path)
    before = (tmp_path / "result.png").stat().st_mtime_ns
    stylize(config, tmp_path)
    assert (tmp_path / "result.png").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match=r"other settings.*\n  - painter.strength: 1.0 there, now 0.5"):
        stylize(load_config("stylize", words(files, content, "painter.strength=0.5")), tmp_path)


def test_errors_are_measured_when_asked_for(files: Path, tmp_path: Path) -> None:
    config = load_config("stylize", words(files, f"content={files / 'photos/a.png'}", "painter.measured=true"))
    summary = stylize(config, tmp_path)
    (metrics,) = summary.results.values()
    assert metrics["style_error"] > 0 < metrics["content_error"]
    assert summary.objective == pytest.approx(sum(metrics["losses"].values()))


def test_a_part_is_painted_and_nothing_else_changes(files: Path, tmp_path: Path) -> None:
    photo = f"content={files / 'photos/a.png'}"
    config: PartialConfig = load_config("partial", [*words(files, photo), f"masks=[{files / 'mask.png'}]"])
    metrics: dict[str, Any] = partial(config, tmp_path / "unmeasured")
    assert "loss" not in metrics
    config = config.but(painter=config.painter.but(measured=True))
    metrics = partial(config, tmp_path)
    assert metrics["style_error"] > 0
    assert metrics["leak"]["changed_pixels"] == 0
    assert metrics["method"] == "painter"
    result, before = read_rgb(tmp_path / "result.png"), read_rgb(files / "photos" / "a.png")
    assert (result[:4] == before[:4]).all()
    assert (result[20:30, 20:30] != before[20:30, 20:30]).any()


def test_parts_of_a_folder_of_photos_are_painted(files: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / "masks" / f"{name}.png", read_rgb(files / "mask.png")[..., 0])
    given = [f"content={files / 'photos'}", f"style={files / 'styles'}", f"masks={tmp_path / 'masks'}"]
    summary = partials(load_config("partial", words(files, *given)), tmp_path / "run")
    assert sorted(summary.results) == ["a__ink", "a__waves", "b__ink", "b__waves"]
    assert all(result["leak"]["changed_pixels"] == 0 for result in summary.results.values())
    waves, ink = (read_rgb(tmp_path / "run" / f"a__{style}" / "result.png") for style in ("waves", "ink"))
    assert (waves[20:30, 20:30] != ink[20:30, 20:30]).any()
    assert (waves[:4] == ink[:4]).all()
    assert (tmp_path / "run" / "sheet.png").is_file()


def test_pasting_can_start_from_the_painters_picture(files: Path, tmp_path: Path) -> None:
    given = [f"content={files / 'photos/a.png'}", f"masks=[{files / 'mask.png'}]", "method=paste", "init=painter"]
    partial(load_config("partial", words(files, *given)), tmp_path)
    assert (tmp_path / "styled" / "waves" / "result.png").is_file()
    assert read_json(tmp_path / "styled" / "waves" / "settings.json")["style_names"] == ["waves"]


def test_python_paints_at_once(files: Path) -> None:
    painting = pochoir.stylize(
        files / "photos/a.png", files / "styles/ink.png", overrides=[*words(files)[:2], *FEW], progress=False
    )
    assert painting.pixels.shape == (48, 64, 3)
    assert painting.losses == {}
    with pytest.raises(ConfigError, match="no painter knows the style a"):
        pochoir.stylize(files / "photos/b.png", files / "photos/a.png", overrides=words(files)[:2], progress=False)


def test_optimising_can_start_from_the_painters_picture(files: Path, tmp_path: Path) -> None:
    given = [*words(files, f"content={files / 'photos/a.png'}", "recipe.style_weight=0", "recipe.tv_weight=0")]
    start = load_config("stylize", [*given, "method=optimize", "init=painter", "recipe.content_weight=1e-9"])
    stylize(start, tmp_path / "started")
    stylize(load_config("stylize", given), tmp_path / "painted")
    started, painted = (read_rgb(tmp_path / name / "result.png").astype(int) for name in ("started", "painted"))
    content = read_rgb(files / "photos/a.png").astype(int)
    assert np.abs(started - painted).mean() < 0.3 * np.abs(started - content).mean()


def test_wrong_settings_are_told(files: Path) -> None:
    with pytest.raises(ConfigError, match=r"painter\.weights: 'no\.ckpt' is no file; painters that come with the"):
        load_config("stylize", ["painter.weights=no.ckpt"])
    with pytest.raises(ConfigError, match="keep_colors: match recolours a style, which a painter has learned as it is"):
        load_config("stylize", words(files, "keep_colors=match"))
    with pytest.raises(ConfigError, match=r"keep\.mask: is for optimising; a painter paints all alike"):
        load_config("stylize", words(files, f"keep.mask={files / 'mask.png'}"))
    guides = [f"guides.content={files / 'mask.png'}", f"guides.style=[{files / 'mask.png'}]"]
    with pytest.raises(ConfigError, match=r"guides\.content: is for optimising; a painter paints all alike"):
        load_config("stylize", words(files, *guides))
    with pytest.raises(ConfigError, match=r"keep\.part: is for optimising; a painter paints all alike"):
        load_config("partial", words(files, "keep.part=head"))
    with pytest.raises(ConfigError, match=r"file: 'a\.pt' must end in \.safetensors, \.onnx or \.pt2"):
        load_config("export_painter", [f"weights={files / 'painter.safetensors'}", "file=a.pt"])


def test_a_style_of_a_shipped_painter_needs_no_picture(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pochoir.config.base.painted_styles", lambda: ("waves", "ink"))
    given = [*words(files, f"content={files / 'photos/a.png'}", "style=ink")]
    stylize(load_config("stylize", given), tmp_path)
    assert (tmp_path / "result.png").is_file()
    with pytest.raises(
        ConfigError, match=r"style: 'ink' is known .* method=painter, or a picture, such as builtin:ink"
    ):
        load_config("stylize", [*given, "method=optimize"])
    no_measure = "style: 'ink' is known to painters, and no picture to measure errors by; give a picture"
    with pytest.raises(ConfigError, match=no_measure):
        load_config("stylize", [*given, "painter.measured=true"])
    with pytest.raises(ConfigError, match=no_measure):
        load_config("partial", [*given, "painter.measured=true"])
    metrics = partial(load_config("partial", [*given, f"masks=[{files / 'mask.png'}]"]), tmp_path / "part")
    assert metrics["leak"]["changed_pixels"] == 0
    assert "style_error" not in metrics


@pytest.mark.parametrize("ending", ["safetensors", "onnx"])
def test_export(files: Path, tmp_path: Path, ending: str) -> None:
    if ending == "onnx":
        pytest.importorskip("onnxruntime")
    file = tmp_path / f"mine.{ending}"
    export_painter(
        load_config("export_painter", [f"weights={files / 'painter.safetensors'}", f"file={file}"]), tmp_path
    )
    if ending == "onnx":
        told = json.loads(file.with_suffix(".json").read_text())
        assert told["styles"] == ["waves", "ink"]
        assert told["grey_levels_from_pytorch"] < 1
    else:
        assert trained_painter(file).network.styles == ("waves", "ink")
