"""Painting in memory: what a painting is and is worth, what stays as it was, and nothing on the disk."""

import signal
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from pochoir.config import RecipeConfig, load_config
from pochoir.errors import ConfigError, DataError, NonFiniteLossError
from pochoir.images import read_picture, to_pixels, to_tensor
from pochoir.images.files import as_saved
from pochoir.stylization.colors import luminance
from pochoir.stylization.encoder import Encoder
from pochoir.stylization.objective import Objective
from pochoir.stylization.painting import Painting, paint
from pochoir.stylization.subject import Subject

CONFIG = load_config("stylize", ["trainer.accelerator=cpu", "encoder.precision=float32"])
LAYERS = CONFIG.encoder.but(content_layers=["relu2_1"], style_layers=["relu1_1", "relu2_1"])
RECIPE = CONFIG.recipe.but(content_weight=0.1, tv_weight=0.2, coarsest=48, steps=[4, 3])
LONG = RECIPE.but(tv_weight=0, steps=[30, 10])
IDLE = RECIPE.but(optimizer="adam", lr=1e-6, steps=[1])


class At(pl.Callback):
    """Does something at the end of a step."""

    def __init__(self, step: int, what: Any) -> None:
        self.step, self.what = step, what

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        if trainer.global_step == self.step:
            self.what(trainer, pl_module)


def painted(subject: Subject, encoder: Encoder, recipe: RecipeConfig = RECIPE, **more: Any) -> Painting:
    return paint(subject, encoder, recipe, **{"layers": LAYERS, "trainer": CONFIG.trainer, **more})


@pytest.fixture
def subject(blobs: Tensor, stripes: Tensor) -> Subject:
    return Subject(blobs, [stripes], [1.0])


@pytest.fixture
def region(blobs: Tensor) -> Tensor:
    region = torch.zeros_like(blobs[:, :1])
    region[..., 30:70, 20:60] = 1
    return region


def test_a_painting_is_worth_what_its_8_bit_picture_is(subject: Subject, encoder: Encoder) -> None:
    painting = painted(subject, encoder)
    assert painting.pixels.shape == (96, 80, 3)
    assert painting.pixels.dtype == np.uint8
    assert painting.paint is painting.pixels
    assert painting.evaluations == 7
    assert painting.seconds > 0
    with torch.no_grad():
        named = Objective(encoder, subject.at((96, 80)), LAYERS, RECIPE)(to_tensor(painting.pixels)[None])
    assert painting.losses == pytest.approx({name: value.item() for name, value in named.items()}, rel=1e-5)
    assert painting.loss == pytest.approx(sum(painting.losses.values()))
    assert painting.content_error == pytest.approx(painting.losses["content/relu2_1"] / 0.1)
    style = painting.losses["style/relu1_1"] + painting.losses["style/relu2_1"]
    assert painting.style_error == pytest.approx(style)
    assert painted(subject, encoder, LONG).style_error < 0.5 * painted(subject, encoder, IDLE).style_error


@pytest.mark.parametrize("optimizer", [{}, {"optimizer": "adam", "lr": 0.05}], ids=["lbfgs", "adam"])
@pytest.mark.parametrize("through", ["everything", "object", "background"])
@pytest.mark.parametrize("ground", [0.0, 1.0], ids=["black", "white"])
def test_black_and_white_are_painted_as_grey_is(
    subject: Subject, region: Tensor, encoder: Encoder, ground: float, through: str, optimizer: dict[str, Any]
) -> None:
    mask = {"everything": None, "object": region, "background": 1 - region}[through]
    spots = subject.content > 0.7
    bare = ~spots.any(dim=1)[0].numpy() & (True if mask is None else mask[0, 0].numpy() > 0)
    moved = {}
    for level in (ground, 0.5):
        content = torch.where(spots, subject.content, torch.full_like(subject.content, level))
        spotted = replace(subject, content=content, region=mask)
        paint = painted(spotted, encoder, LONG.but(content_weight=0, **optimizer)).paint
        moved[level] = abs(paint[bare].astype(int) - round(255 * level)).mean()
    assert moved[ground] > 0.4 * moved[0.5]  # of a sigmoid that ends at 0 and 1: a tenth and less


def test_a_picture_is_judged_as_its_file_will_be(subject: Subject, encoder: Encoder) -> None:
    lossless, lossy = (painted(subject, encoder, IDLE, suffix=suffix) for suffix in (".png", ".jpg"))
    assert np.array_equal(lossy.pixels, as_saved(lossless.pixels, ".jpg"))
    assert lossy.losses != lossless.losses


def test_in_a_region_the_paint_lies_over_the_content(subject: Subject, encoder: Encoder, region: Tensor) -> None:
    painting = painted(replace(subject, region=region), encoder)
    outside = region[0, 0].numpy() == 0
    content = to_pixels(subject.content[0])
    assert np.array_equal(painting.pixels[outside], content[outside])
    assert np.array_equal(painting.pixels[~outside], painting.paint[~outside])
    assert (painting.pixels[~outside] != content[~outside]).mean() > 0.5


@pytest.mark.parametrize("through", ["object", "background"])
def test_a_rim_that_hardly_shows_is_painted_as_the_rest_is(
    subject: Subject, encoder: Encoder, region: Tensor, through: str
) -> None:
    soft = functional.avg_pool2d(region, 7, stride=1, padding=3)
    soft = soft if through == "object" else 1 - soft
    paint = painted(replace(subject, region=soft), encoder, LONG).paint
    rim, inside = ((soft > 0) & (soft < 0.3))[0, 0].numpy(), (soft == 1)[0, 0].numpy()
    assert paint[rim].std() == pytest.approx(paint[inside].std(), rel=0.15)  # of paint weighed by alpha: .6 of it


def test_a_region_that_vanishes_at_some_layers_is_noted_and_at_all_refused(
    subject: Subject, encoder: Encoder, blobs: Tensor
) -> None:
    dot = torch.zeros_like(blobs[:, :1])
    dot[..., 40:44, 40:44] = 1
    deep = LAYERS.but(style_layers=["relu1_1", "relu4_1"])
    painting = painted(replace(subject, region=dot), encoder, IDLE, layers=deep)
    assert painting.notes == (
        "level 1, 40×48: the region vanishes at relu4_1",
        "level 2, 80×96: the region vanishes at relu4_1",
    )
    with pytest.raises(DataError, match="the region is too small at relu4_1"):
        painted(replace(subject, region=dot), encoder, IDLE, layers=deep.but(style_layers=["relu4_1"]))


@pytest.mark.parametrize("kept", ["luminance", "match"])
def test_colours_are_kept(subject: Subject, encoder: Encoder, kept: str) -> None:
    plain, painting = (painted(replace(subject, keep_colors=keep), encoder, LONG) for keep in ("off", kept))
    colours, others, wanted = (
        (picture - luminance(picture)).mean(dim=(-2, -1))
        for picture in (to_tensor(painting.pixels)[None], to_tensor(plain.pixels)[None], subject.content)
    )
    assert (colours - wanted).abs().max() < 0.7 * (others - wanted).abs().max()
    assert painting.content_error != plain.content_error


@pytest.mark.parametrize("optimizer", [{}, {"optimizer": "adam", "lr": 0.05}], ids=["lbfgs", "adam"])
@pytest.mark.parametrize("through", ["everything", "object"])
def test_what_is_painted_of_grey_pictures_is_grey_from_any_start(
    subject: Subject, region: Tensor, encoder: Encoder, through: str, optimizer: dict[str, Any]
) -> None:
    grey = replace(
        subject,
        content=luminance(subject.content),
        styles=[luminance(subject.styles[0])],
        region=region if through == "object" else None,
    )
    noise = torch.rand_like(subject.content)
    painting = painted(grey, encoder, RECIPE.but(**optimizer), initial=noise)
    for pixels in (painting.pixels, painting.paint):
        assert (pixels == pixels[..., :1]).all()
    assert painting.notes == ("content and style are seen in grey: so is the paint",)
    assert np.ptp(painted(replace(grey, styles=subject.styles), encoder, initial=noise).pixels, axis=-1).max() > 50


def test_another_start_is_carried_to_the_end(subject: Subject, encoder: Encoder) -> None:
    grey = painted(subject, encoder, IDLE.but(content_weight=0), initial=torch.full((1, 3, 9, 7), 0.5))
    assert np.abs(grey.pixels.astype(int) - 128).max() <= 1


def test_a_subject_is_painted_at_the_size_that_it_is_fitted_to(subject: Subject, encoder: Encoder) -> None:
    assert painted(subject.fitted((48, 40)), encoder, IDLE).pixels.shape == (48, 40, 3)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_nothing_else_has_changed(
    subject: Subject, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    """Neither the network, nor the process, nor the folder that it happens to run in."""
    monkeypatch.chdir(tmp_path)
    weights = encoder.conv1_1.weight.clone()
    before = torch.get_rng_state(), signal.getsignal(signal.SIGINT), torch.is_grad_enabled(), encoder.training
    content = subject.content.clone()
    painted(subject, encoder, layers=LAYERS.but(precision=precision))
    after = torch.get_rng_state(), signal.getsignal(signal.SIGINT), torch.is_grad_enabled(), encoder.training
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    assert (encoder.dtype, encoder.mean.device.type) == (torch.float32, "cpu")
    assert torch.equal(encoder.conv1_1.weight, weights)
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert torch.equal(subject.content, content)
    assert list(tmp_path.iterdir()) == []


def test_the_encoder_paints_in_the_precision_that_is_asked_for(subject: Subject, encoder: Encoder) -> None:
    seen = []
    look = At(1, lambda trainer, stylizer: seen.append(stylizer._encoder[0].dtype))
    for precision in ("float32", "bfloat16"):
        painted(subject, encoder, IDLE, layers=LAYERS.but(precision=precision), callbacks=[look])
    assert seen == [torch.float32, torch.bfloat16]


@pytest.mark.parametrize("stop", [2, 4, 6])
def test_resumed_equals_uninterrupted(subject: Subject, encoder: Encoder, tmp_path: Path, stop: int) -> None:
    def break_off(trainer: pl.Trainer, stylizer: Any) -> None:
        trainer.save_checkpoint(tmp_path / "last.ckpt")
        raise RuntimeError("power cut")

    whole = painted(subject, encoder)
    with pytest.raises(RuntimeError, match="power cut"):
        painted(subject, encoder, callbacks=[At(stop, break_off)])
    resumed = painted(subject, encoder, resume=tmp_path / "last.ckpt")
    assert np.array_equal(resumed.pixels, whole.pixels)
    assert resumed.losses == whole.losses
    assert resumed.evaluations == whole.evaluations


def test_the_seconds_of_a_continued_painting_are_those_of_all_its_sessions(
    subject: Subject, encoder: Encoder, tmp_path: Path
) -> None:
    def long_ago(trainer: pl.Trainer, stylizer: Any) -> None:
        stylizer.started -= 1000
        trainer.save_checkpoint(tmp_path / "last.ckpt")

    first = painted(subject, encoder, callbacks=[At(2, long_ago)])
    again = painted(subject, encoder, resume=tmp_path / "last.ckpt")
    assert 1000 < first.seconds < 1100
    assert 1000 < again.seconds < 1100


def test_ctrl_c_ends_the_painting_alone(subject: Subject, encoder: Encoder) -> None:
    """Lightning ends the program instead, and makes it deaf to the next one: that is no way to treat a notebook."""
    hearing = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        painted(subject, encoder, callbacks=[At(2, lambda *_: signal.raise_signal(signal.SIGINT))])
    assert signal.getsignal(signal.SIGINT) == hearing


@pytest.mark.parametrize(
    ("step", "told"),
    [(2, "ended early, in level 1 of 2: the picture is enlarged from"), (5, "ended early, in the last level, after 5")],
)
def test_a_painting_that_is_ended_early_is_whole(subject: Subject, encoder: Encoder, step: int, told: str) -> None:
    def end(trainer: pl.Trainer, stylizer: Any) -> None:
        trainer.should_stop = True

    coloured = replace(subject, keep_colors="luminance")
    painting = painted(coloured, encoder, callbacks=[At(step, end)])
    assert painting.evaluations == step
    assert painting.pixels.shape[:2] == subject.content.shape[-2:]
    assert painting.notes[-1].startswith(told)


def test_a_loss_that_is_not_finite_brings_the_last_good_picture(subject: Subject, encoder: Encoder) -> None:
    def poison(trainer: pl.Trainer, stylizer: Any) -> None:
        stylizer.z.data[:] = float("nan")

    with pytest.raises(NonFiniteLossError, match="step 2") as caught:
        painted(subject, encoder, callbacks=[At(2, poison)])
    assert caught.value.last_good.shape == (48, 40, 3)
    assert caught.value.last_good.std() > 5


def test_a_device_that_is_not_there_is_said(
    subject: Subject, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"trainer\.accelerator"):
        painted(subject, encoder, trainer=CONFIG.trainer.but(accelerator="cuda"))


def test_a_painting_is_a_picture(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    alpha = np.full((6, 8), 255, dtype=np.uint8)
    alpha[:, 5:] = 0
    painting = Painting(pixels, pixels, {"style": 1.0, "tv": 0.5}, 1.0, 0.0, 3, 0.1, alpha=alpha)
    assert painting.loss == 1.5
    assert (painting.picture.mode, painting.picture.size) == ("RGBA", (8, 6))
    with Image.open(BytesIO(painting._repr_png_())) as shown:
        assert np.array_equal(np.asarray(shown), np.asarray(painting.picture))
    painting.save(tmp_path / "folder" / "a.png")
    saved = read_picture(tmp_path / "folder" / "a.png")
    assert np.array_equal(saved.pixels, pixels)
    assert saved.alpha is not None
    assert np.array_equal(saved.alpha, alpha)
    with pytest.raises(DataError, match="JPEG cannot hold transparency"):
        painting.save(tmp_path / "a.jpg")
    assert replace(painting, alpha=None).picture.mode == "RGB"
