"""Pictures on the way and panels are for looking at: those of a print are made smaller."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from pochoir.images import read_picture
from pochoir.inspection.painting import Milestones, painting_panel
from pochoir.stylization.pyramid import Level


@pytest.mark.parametrize(("size", "kept"), [((300, 1500), (204, 1020)), ((60, 40), (60, 40))])
def test_milestones_of_large_pictures_are_small(tmp_path: Path, size: tuple[int, int], kept: tuple[int, int]) -> None:
    module: Any = SimpleNamespace(picture=lambda: torch.full((1, 3, *size), 0.5))
    trainer: Any = SimpleNamespace(global_step=3, loggers=[])
    Milestones(tmp_path, [Level(size, 3)], 1).on_train_batch_end(trainer, module, None, None, 2)
    assert read_picture(tmp_path / "00003.png").size == kept


@pytest.mark.parametrize(("height", "shown"), [(2000, 1024), (50, 50)])
def test_a_panel_is_as_high_as_its_result_up_to_a_limit(height: int, shown: int) -> None:
    content, style, result = (np.zeros((side, 30, 3), dtype=np.uint8) for side in (1200, 40, height))
    assert painting_panel(content, [style], result).shape[0] == shown
