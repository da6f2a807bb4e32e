"""What people ask for becomes a subject and a plan, and notes say what became of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pochoir.config import load_config
from pochoir.errors import ConfigError, DataError
from pochoir.images import Picture, to_tensor, write_image
from pochoir.images.resizing import Size
from pochoir.stylization import job as job_module
from pochoir.stylization.job import Job, encoder_of, initial_picture, paint_job
from pochoir.stylization.objective import Objective
from pochoir.stylization.plan import Plan

DEFAULTS = load_config("stylize", ["trainer.accelerator=cpu"])
CONFIG = DEFAULTS.but(
    encoder=DEFAULTS.encoder.but(precision="float32", content_layers=["relu2_1"], style_layers=["relu1_1"]),
    recipe=DEFAULTS.recipe.but(coarsest=64, steps=[2]),
)
PIXELS = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
STYLE = Picture(np.random.default_rng(1).integers(0, 256, (50, 40, 3), dtype=np.uint8))
HALF = np.zeros((64, 96), dtype=np.uint8)
HALF[:, 48:] = 255


def job(picture: Picture = Picture(PIXELS), **changes: Any) -> Job:  # noqa: B008 (it is frozen)
    return Job("cat", picture, [STYLE], CONFIG.but(**changes))


def test_a_job_is_a_subject_of_its_contents_size() -> None:
    subject = replace(job(style_scale=0.5, keep_colors="match"), region=HALF.astype(np.float32) / 255).subject()
    assert torch.equal(subject.content, to_tensor(PIXELS)[None])
    assert [tuple(style.shape) for style in subject.styles] == [(1, 3, 50, 40)]
    assert subject.region is not None
    assert subject.region.shape == (1, 1, 64, 96)
    assert (subject.style_scale, subject.keep_colors) == (0.5, "match")


@pytest.mark.parametrize(
    ("changes", "size", "note"),
    [
        ({}, (64, 96), None),
        ({"size": 48}, (32, 48), None),
        ({"size": 192}, (128, 192), None),
        ({"max_size": 48}, (32, 48), "cat: 96×64 is painted with a long side of 48 pixels (max_size); size=96 paints"),
        ({"max_size": 48, "size": 96}, (64, 96), None),
        (
            {"memory": 1.4, "size": 384},
            (256, 384),
            "recipe.history=5 instead of 10: 1.4 GB would be needed, 1.4 GB may",
        ),
    ],
)
def test_a_plan_has_a_size_and_says_what_gave_way(
    changes: dict[str, Any], size: tuple[int, int], note: str | None
) -> None:
    plan = job(**changes).plan()
    assert plan.size == size
    assert plan.layers == ("relu2_1", "relu1_1")
    if note is None:
        assert (plan.precision, plan.recipe, plan.notes) == ("float32", CONFIG.recipe, ())
    else:
        assert plan.notes[0].startswith(note)


def test_transparency_that_a_jpeg_loses_is_noted_and_otherwise_kept() -> None:
    picture = Picture(PIXELS, HALF)
    assert job(picture).plan().notes == ()
    (note,) = job(picture, suffix=".jpg").plan().notes
    assert note == "cat: its transparency becomes white, as a JPEG holds none; suffix=.png keeps it"
    kept = paint_job(job(picture, size=48))
    assert kept.alpha is not None
    assert kept.alpha.shape == (32, 48)
    assert (kept.alpha[:, :22] == 0).all()
    assert (kept.alpha[:, 26:] == 255).all()
    assert paint_job(job(picture, suffix=".jpg")).alpha is None


def test_a_given_plan_is_followed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "pochoir")
    plan = Plan((32, 48), "bfloat16", CONFIG.recipe.but(steps=[1]), CONFIG.encoder.layers, ("so it began",))
    painting = paint_job(job(), plan)
    assert painting.pixels.shape == (32, 48, 3)
    assert painting.evaluations == 1
    assert painting.notes == ("so it began",)
    assert "so it began" in caplog.text
    assert "cat: 48×32, 1 evaluations in 1 levels, about 1.1 GB in bfloat16" in caplog.text


def test_a_device_that_is_not_there_is_said_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    trainer = CONFIG.trainer.but(accelerator="cuda")
    with pytest.raises(ConfigError, match=r"trainer\.accelerator: .* no cuda"):
        job(trainer=trainer).plan()


def test_every_start_has_the_subjects_size(tmp_path: Path) -> None:
    write_image(tmp_path / "start.png", STYLE.pixels)
    subject = job().subject().fitted((32, 48))

    def start(**changes: Any) -> torch.Tensor:
        found = initial_picture(CONFIG.but(**changes), subject)
        assert found is not None
        assert found.shape == subject.content.shape
        return found

    assert initial_picture(CONFIG, subject) is None
    assert torch.equal(start(init="noise"), start(init="noise", seed=CONFIG.seed))
    assert not torch.equal(start(init="noise"), start(init="noise", seed=CONFIG.seed + 1))
    assert torch.equal(start(init="style"), start(init=str(tmp_path / "start.png")))
    grey = initial_picture(CONFIG.but(init="style"), replace(subject, keep_colors="luminance"))
    assert grey is not None
    assert torch.equal(grey[:, 0], grey[:, 2])


def test_an_encoder_is_loaded_once_for_all_uses_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    build = job_module.build_encoder
    monkeypatch.setattr(job_module, "build_encoder", lambda config: loaded.append(config) or build(config))
    job_module._encoder.cache_clear()
    first = encoder_of(CONFIG.encoder)
    for same in ({"precision": "bfloat16"}, {"style_layers": ["relu5_1"], "style_layer_weights": [2.0]}):
        assert encoder_of(CONFIG.encoder.but(**same)) is first
    assert len(loaded) == 1
    assert encoder_of(CONFIG.encoder.but(pooling="average")) is not first
    job_module._encoder.cache_clear()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_colours_below_transparent_pixels_change_nothing(suffix: str) -> None:
    hidden = [PIXELS.copy(), PIXELS.copy()]
    hidden[1][HALF == 0] = (255, 0, 255)
    one, other = (paint_job(job(Picture(pixels, HALF), suffix=suffix)) for pixels in hidden)
    assert np.array_equal(one.pixels, other.pixels)
    assert (one.style_error, one.content_error) == (other.style_error, other.content_error)
    seen = one.pixels[:, 40:].astype(int)
    if suffix == ".jpg":
        assert one.alpha is None
        assert one.pixels[:, :40].min() > 240  # white, but for what JPEG makes of the noise beside it
    else:
        assert np.array_equal(one.alpha, HALF)
        assert np.abs(seen[:, 8:] - PIXELS[:, 48:]).mean() > 1


def test_half_transparent_pixels_keep_the_colour_of_the_paint() -> None:
    veiled = Picture(np.full_like(PIXELS, 40), np.full((64, 96), 128, dtype=np.uint8))
    assert paint_job(job(veiled, init="content")).pixels.mean() < 110  # on white it looks like 147


def test_what_is_transparent_of_a_style_is_no_part_of_it() -> None:
    framed = np.full((90, 80, 3), 255, dtype=np.uint8)
    framed[20:70, 20:60] = STYLE.pixels
    opacity = np.zeros((90, 80), dtype=np.uint8)
    opacity[20:70, 20:60] = 255
    for keep_colors in ("off", "match"):
        plain, clear, white = (
            replace(job(keep_colors=keep_colors), styles=[style]).subject()
            for style in (STYLE, Picture(framed, opacity), Picture(framed))
        )
        encoder = encoder_of(CONFIG.encoder)
        grams = [
            Objective(encoder, subject.seen(), CONFIG.encoder, CONFIG.recipe).parts[0].targets["relu1_1"]
            for subject in (plain, clear, white)
        ]
        near, far = ((gram - grams[0]).norm() / grams[0].norm() for gram in grams[1:])
        assert near < 0.12
        assert far > 3 * near
    with pytest.raises(DataError, match=r"fog\.png: is transparent throughout"):
        replace(job(), styles=[Picture(framed, np.zeros_like(opacity), "fog.png")])


@pytest.mark.parametrize(
    ("content", "styles", "message"),
    [
        ((8, 5), [(50, 40)], r"dot\.png: is 5×8 pixels; pictures and styles have at least 8 pixels a side"),
        ((10, 2000), [(50, 40)], r"dot\.png: is 2000×10 pixels, which would be painted at 1024×5 \(size, max_size\)"),
        ((50, 40), [(50, 40), (1, 300)], r"style 1: is 300×1 pixels; .* at least 8"),
    ],
)
def test_what_is_too_small_to_paint_is_named_before_anything_is_painted(
    content: Size, styles: list[Size], message: str
) -> None:
    def picture(size: Size, name: str) -> Picture:
        return Picture(np.zeros((*size, 3), dtype=np.uint8), name=name)

    given = [picture(size, f"style {number}") for number, size in enumerate(styles)]
    with pytest.raises(DataError, match=message):
        Job("cat", picture(content, "dot.png"), given, CONFIG)
    assert Job("cat", picture((8, 5), "dot.png"), given[:1], CONFIG.but(size=32)).size == (32, 20)


def test_colours_of_one_colour_cannot_be_matched() -> None:
    flat = replace(job(keep_colors="match"), styles=[Picture(np.full((40, 40, 3), 90, dtype=np.uint8))])
    with pytest.raises(DataError, match=r"keep_colors=match: the style is of one colour"):
        paint_job(flat)
