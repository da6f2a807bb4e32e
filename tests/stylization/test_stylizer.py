"""Painting: it lowers the loss, resumes anywhere as if nothing had happened, and refuses what would harm."""

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from pochoir.config import load_config
from pochoir.errors import ConfigError, NonFiniteLossError
from pochoir.stylization.encoder import Encoder
from pochoir.stylization.pyramid import Level
from pochoir.stylization.stylizer import Stylizer
from pochoir.stylization.subject import Subject

CONFIG = load_config("stylize")
LAYERS = CONFIG.encoder.but(content_layers=["relu2_1"], style_layers=["relu1_1", "relu2_1"])
RECIPE = CONFIG.recipe.but(content_weight=0.1, tv_weight=0)
LEVELS = [Level((32, 27), 4), Level((48, 40), 3), Level((64, 53), 3)]
STEPS = 10


class StopAfter(pl.Callback):
    """Keeps a checkpoint and breaks off after a step."""

    def __init__(self, step: int, path: Path) -> None:
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)
            raise RuntimeError("power cut")


def stylizer(encoder: Encoder, content: Tensor, style: Tensor, levels: list[Level] = LEVELS, **recipe: Any) -> Stylizer:
    subject = Subject(content, [style], [1.0])
    return Stylizer(subject, content, encoder=encoder, levels=levels, layers=LAYERS, recipe=RECIPE.but(**recipe))


def trainer(folder: Path, callbacks: list[pl.Callback] | None = None, **settings: Any) -> pl.Trainer:
    return pl.Trainer(
        **{
            "accelerator": "cpu",
            "max_epochs": len(LEVELS),
            "reload_dataloaders_every_n_epochs": 1,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
            "logger": False,
            "default_root_dir": folder,
            "callbacks": callbacks or [],
            **settings,
        }
    )


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("stop", [1, 3, 4, 5, 7, 9])
def test_resumed_equals_uninterrupted(
    encoder: Encoder, blobs: Tensor, stripes: Tensor, tmp_path: Path, optimizer: str, stop: int
) -> None:
    """Within levels, and after the last step of one."""
    recipe = {"optimizer": optimizer, "lr": 1.0 if optimizer == "lbfgs" else 0.05}
    whole = stylizer(encoder, blobs, stripes, **recipe)
    trainer(tmp_path).fit(whole)

    path = tmp_path / "last.ckpt"
    with pytest.raises(RuntimeError, match="power cut"):
        trainer(tmp_path, [StopAfter(stop, path)]).fit(stylizer(encoder, blobs, stripes, **recipe))
    resumed = stylizer(encoder, blobs, stripes, **recipe)
    continued = trainer(tmp_path)
    continued.fit(resumed, ckpt_path=path, weights_only=True)

    assert continued.global_step == STEPS
    assert torch.equal(resumed.z, whole.z)
    assert torch.equal(resumed.picture(), whole.picture())


def test_a_checkpoint_holds_the_picture_and_not_the_encoder(
    encoder: Encoder, blobs: Tensor, stripes: Tensor, tmp_path: Path
) -> None:
    path = tmp_path / "last.ckpt"
    with pytest.raises(RuntimeError, match="power cut"):
        trainer(tmp_path, [StopAfter(6, path)]).fit(stylizer(encoder, blobs, stripes))
    assert set(torch.load(path, weights_only=True)["state_dict"]) == {"z"}
    assert path.stat().st_size < 1_500_000


@pytest.mark.parametrize(
    ("optimizer", "lr", "image"), [("lbfgs", 1, "sigmoid"), ("lbfgs", 1, "pixels"), ("adam", 0.05, "sigmoid")]
)
def test_painting_lowers_the_loss_within_every_level(
    encoder: Encoder, blobs: Tensor, stripes: Tensor, tmp_path: Path, optimizer: str, lr: float, image: str
) -> None:
    levels = [Level((48, 40), 15), Level((96, 80), 15)]
    painted = stylizer(encoder, blobs, stripes, levels, optimizer=optimizer, lr=lr, image=image)
    losses: list[list[float]] = []

    class Remember(pl.Callback):
        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
            losses.append(list(pl_module.totals))

    trainer(tmp_path, [Remember()], max_epochs=2).fit(painted)
    assert [len(level) for level in losses] == [15, 15]
    assert losses[0][-1] < 0.5 * losses[0][0]
    assert losses[1][-1] < losses[1][0]
    picture = painted.picture()
    assert picture.shape == (1, 3, 96, 80)
    assert 0 <= picture.min() <= picture.max() <= 1


def test_a_step_that_leaps_is_shortened(encoder: Encoder, blobs: Tensor, stripes: Tensor, tmp_path: Path) -> None:
    """Steps thirty times too long, which without looking back end at eighty times the loss."""
    reckless = stylizer(encoder, blobs, stripes, [Level((48, 40), 30)], lr=30.0)
    trainer(tmp_path, max_epochs=1).fit(reckless)
    losses = torch.tensor(reckless.totals)
    assert len(losses) == 30
    assert (losses[1:] <= 2 * losses[:-1]).all()
    assert losses[-1] < 0.5 * losses[0]


def test_a_level_ends_when_it_has_stalled(encoder: Encoder, blobs: Tensor, tmp_path: Path) -> None:
    """A picture painted in its own style is finished at once."""
    levels = [Level((48, 40), 50), Level((96, 80), 50)]
    painted = stylizer(encoder, blobs, blobs, levels, tolerance=0.9, optimizer="adam", lr=1e-6)
    run = trainer(tmp_path, max_epochs=2)
    run.fit(painted)
    assert run.global_step == 22  # ten steps back from the eleventh
    assert painted.picture().shape == (1, 3, 96, 80)


def test_outside_the_region_the_picture_is_the_content(
    encoder: Encoder, blobs: Tensor, stripes: Tensor, tmp_path: Path
) -> None:
    region = torch.zeros(1, 1, 96, 80)
    region[..., 30:70, 20:60] = 1
    subject = Subject(blobs, [stripes], [1.0], region=region)
    painted = Stylizer(
        subject,
        blobs,
        encoder=encoder,
        levels=[Level((96, 80), 5)],
        layers=LAYERS,
        recipe=RECIPE.but(content_weight=0),
    )
    trainer(tmp_path, max_epochs=1).fit(painted)
    outside = region.expand_as(blobs) == 0
    assert torch.equal(painted.picture()[outside], blobs[outside])
    assert not torch.allclose(painted.picture()[~outside], blobs[~outside], atol=0.05)


def test_a_loss_that_is_not_finite_stops_with_the_step_and_keeps_the_last_good_picture(
    encoder: Encoder, blobs: Tensor, stripes: Tensor, tmp_path: Path
) -> None:
    class Poison(pl.Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
            if trainer.global_step == 6:
                pl_module.z.data[0, 0, 0, 0] = float("nan")

    painted = stylizer(encoder, blobs, stripes)
    with pytest.raises(NonFiniteLossError, match=r"step 6 of level 2 \(content/relu2_1 nan.*recipe.lr"):
        trainer(tmp_path, [Poison()]).fit(painted)
    good = painted.last_good_picture()
    assert good.shape == (1, 3, 48, 40)
    assert torch.isfinite(good).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "bf16-true"}, "would round the picture itself"),
        ({"accumulate_grad_batches": 2}, "gradient of the same picture"),
        ({"gradient_clip_val": 1.0}, "L-BFGS infers curvature"),
        ({"devices": 2, "strategy": "ddp"}, "a picture cannot be shared"),
    ],
)
def test_what_lightning_would_run_silently_wrong_is_refused(
    encoder: Encoder, blobs: Tensor, stripes: Tensor, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    painting = stylizer(encoder, blobs, stripes)
    painting.trainer = trainer(tmp_path, **settings)  # type: ignore[assignment]
    with pytest.raises(ConfigError, match=message):
        painting.setup("fit")  # what `fit` calls first; two devices would mean two processes
