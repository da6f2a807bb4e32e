"""The checkpoints that a training keeps: the best by a measure of its validations, and the last."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint

from pochoir.devices import is_main_process
from pochoir.files import write_bytes


class BestCheckpoint(ModelCheckpoint):
    """`best.ckpt` by what validations log as `objective` (mode: max or min), the last state's always among them.

    A resumed run takes the earlier best along to its own folder: Lightning forgets it when the folder is another, and
    would keep a worse one. `max_steps` and `max_time` may end a run where no validation is due: one is made there.
    """

    def __init__(self, folder: Path, objective: str, *, mode: str = "max") -> None:
        super().__init__(folder, "best", objective, mode=mode, **_PLAIN_NAMES)

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        super().on_train_batch_end(trainer, *args, **kwargs)
        # Lightning calls checkpoints last: its timer has decided by now, and whether to validate is decided next
        if trainer.should_stop or trainer.global_step == trainer.max_steps:
            trainer.should_stop, trainer.check_val_every_n_epoch = True, 1

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        earlier = Path(state_dict["best_model_path"])
        if state_dict["best_model_path"] and earlier.is_file() and self.dirpath != state_dict["dirpath"]:
            assert self.dirpath is not None
            own = Path(self.dirpath) / earlier.name
            if is_main_process():
                write_bytes(own, earlier.read_bytes())
            state_dict = {
                **state_dict,
                "dirpath": self.dirpath,
                "best_model_path": str(own),
                "kth_best_model_path": str(own),
                "best_k_models": {str(own): state_dict["best_model_score"]},
            }
        super().load_state_dict(state_dict)


def last_checkpoint(folder: Path, *, every_steps: int | None = None) -> ModelCheckpoint:
    """`last.ckpt` after every epoch, or after so many steps instead."""
    if every_steps is not None:
        return ModelCheckpoint(
            folder, "last", every_n_train_steps=every_steps, save_on_train_epoch_end=False, **_PLAIN_NAMES
        )
    return ModelCheckpoint(folder, "last", every_n_epochs=1, save_on_train_epoch_end=True, **_PLAIN_NAMES)


_PLAIN_NAMES: dict[str, Any] = {"auto_insert_metric_name": False, "enable_version_counter": False}
"""No `=` in file names (Hydra's command line could not take them) and no `-v1`."""
