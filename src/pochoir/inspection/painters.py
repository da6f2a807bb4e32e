"""A callback that shows, after every validation, the same held-out photos in every style."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import Dataset

from pochoir.images import Pixels, to_pixels, write_image
from pochoir.inspection.loggers import PICTURES, add_picture, logger_of
from pochoir.inspection.painting import contact_sheet
from pochoir.stylization.painters.network import one_style


class PainterPanels(pl.Callback):
    """A sheet of photos by styles in `folder`, the latest overwriting, and a strip a style in what is logged.

    styles: pictures of the styles, in the network's order. shown: how many photos.
    """

    def __init__(self, photos: Dataset[Tensor], styles: Sequence[Pixels], folder: Path, *, shown: int) -> None:
        self.photos = photos
        self.styles = list(styles)
        self.folder = folder
        self.shown = shown

    @torch.no_grad()
    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        # not at its very end, when averaged weights, which come after this callback, have gone again
        if not (trainer.is_global_zero and self.shown) or trainer.sanity_checking:
            return
        logger, network = logger_of(trainer), pl_module.network
        contents: list[Pixels] = []
        painted: list[list[Pixels | None]] = []
        for place in range(self.shown):
            photo = self.photos[place][None].to(pl_module.device)
            blends = one_style(torch.arange(len(network.styles)), len(network.styles)).to(photo.device)
            paints = [network(photo, blend[None]).clamp(0, 1)[0] for blend in blends]
            contents.append(to_pixels(photo[0]))
            painted.append([to_pixels(paint) for paint in paints])
        write_image(self.folder / "sheet.png", contact_sheet(contents, self.styles, painted))
        for place, (content, row) in enumerate(zip(contents[:PICTURES], painted, strict=False)):
            sheet = contact_sheet([content], self.styles, [row])
            add_picture(logger, f"val/{place:02d}", sheet, trainer.global_step)
