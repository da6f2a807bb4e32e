"""How far a run is told to be: by its work, on a line for every level, epoch and validation."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from pochoir.config import load_config
from pochoir.inspection import progress as module
from pochoir.inspection.progress import ProgressBar, ProgressLines, progress, share_done, shows_bar
from pochoir.stylization.pyramid import pyramid
from pochoir.stylization.stylizer import Stylizer
from pochoir.stylization.subject import Subject


class Grey(Stylizer):
    """Paints grey, which needs no encoder."""

    def _build_objective(self) -> Any:
        return lambda image: {"content/relu2_1": 1 + (image - 0.5).square().mean()}


class Line(pl.LightningModule):
    """Fits a line; is said to find half of all masks."""

    def __init__(self) -> None:
        super().__init__()
        self.line = torch.nn.Linear(1, 1)
        self.evaluation = SimpleNamespace(metrics={"mask_ap": 0.5, "mask_ap50": 0.75, "mask_ap_small": 0.1})

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        loss = self.line(batch).square().mean()
        self.log_dict({"train/loss": loss.detach(), "train/loss_mask": loss.detach() / 2})
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        pass

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Shares(pl.Callback):
    def __init__(self) -> None:
        self.shares: list[float] = []

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        self.shares.append(share_done(trainer, pl_module))


def paint(*callbacks: pl.Callback, tolerance: float = 0.0) -> None:
    config = load_config("stylize", ["recipe=quick", "recipe.steps=[14,3,2]", f"recipe.tolerance={tolerance}"])
    content = torch.rand(1, 3, 256, 300, generator=torch.Generator().manual_seed(0))
    picture = Grey(
        Subject(content, [content], [1.0]),
        content,
        encoder=None,  # type: ignore[arg-type]
        levels=pyramid((512, 600), config.recipe),
        layers=config.encoder,
        recipe=config.recipe,
    )
    assert len({level.depth for level in picture.levels}) == 2
    fitted(len(picture.levels), *callbacks, reload_dataloaders_every_n_epochs=1).fit(picture)


def fitted(epochs: int, *callbacks: pl.Callback, **more: Any) -> pl.Trainer:
    quiet = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing"), False)
    return pl.Trainer(accelerator="cpu", max_epochs=epochs, callbacks=list(callbacks), **quiet, **more)


def train(*callbacks: pl.Callback) -> None:
    data = DataLoader(torch.ones(3, 1))  # type: ignore[arg-type]
    fitted(2, *callbacks).fit(Line(), data, data)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "pochoir.progress"]


@pytest.mark.parametrize("work", [paint, train])
def test_all_is_done_with_the_last_step_and_not_before(work: Any) -> None:
    """A quick recipe looks less deep at its last level, and so its steps there are less work than their pixels."""
    shares = Shares()
    work(shares)
    assert shares.shares == sorted(shares.shares)
    assert shares.shares[-1] == pytest.approx(1)
    assert shares.shares[-2] < 0.95


def test_every_level_has_a_line_even_one_that_stalled(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        paint(ProgressLines("cat"), tolerance=0.999)
    first, second, third = lines(caplog)
    assert first.startswith("cat: level 1/3 (150×128), step 11/14: loss ")
    assert "content " in first
    assert ", about 0:00:" in first
    assert second.startswith("cat: level 2/3 (300×256), step 3/3: ")
    assert third.endswith(" passed")


def test_every_epoch_and_validation_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        train(ProgressLines())
    first, validated, second, _ = lines(caplog)
    assert first.startswith("epoch 1/2, step 3/3: loss ")
    assert " loss_mask " in first
    assert first.endswith(" left")
    assert validated == "validated after epoch 1: mask_ap 0.5 mask_ap50 0.75; 0:00:00 passed"
    assert second.startswith("epoch 2/2")
    assert second.endswith(" passed")


def test_a_long_epoch_has_lines_on_the_way(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINE_SECONDS", 0)
    with caplog.at_level(logging.INFO):
        train(ProgressLines())
    assert [line.partition(":")[0] for line in lines(caplog)][:3] == [f"epoch 1/2, step {step}/3" for step in (1, 2, 3)]


def test_a_bar_needs_a_terminal_and_the_wish(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = SimpleNamespace(trainer=SimpleNamespace(enable_progress_bar=True))
    assert not shows_bar(wanted)
    assert [type(each) for each in progress(bar=True)] == [ProgressLines]
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes anything for a terminal then
    assert shows_bar(wanted)
    assert not shows_bar(SimpleNamespace(trainer=SimpleNamespace(enable_progress_bar=False)))
    assert not shows_bar(SimpleNamespace())
    assert [type(each) for each in progress(bar=True)] == [ProgressLines, ProgressBar]
    monkeypatch.setattr(module, "BAR_SECONDS", 0.001)
    paint(ProgressBar("cat"))
    assert "level 3/3" in capsys.readouterr().err
