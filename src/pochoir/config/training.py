"""What Lightning's Trainer is told: any of its arguments, checked by name before Lightning is imported."""

import ast
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from pochoir.config.base import Accelerator, Count, CountOrShare, Natural, NotNegative, Settings, Share
from pochoir.errors import suggestion


class TrainerConfig(Settings):
    """Arguments of `pytorch_lightning.Trainer`, under their names; those that are not listed here are taken as well."""

    model_config = ConfigDict(extra="allow")

    accelerator: Accelerator
    gradient_clip_val: NotNegative | None
    """Largest norm of all gradients together; null does not clip."""
    log_every_n_steps: Count
    enable_progress_bar: bool
    """Without a bar, a line an epoch, a validation, a level."""

    refused: ClassVar[Mapping[str, str]] = {
        "logger": "is chosen by logger=tensorboard, csv, wandb or mlflow",
        **dict.fromkeys(("callbacks", "plugins", "enable_checkpointing"), "is what the task itself gives it"),
        **dict.fromkeys(("num_sanity_val_steps", "use_distributed_sampler"), "is what the task itself gives it"),
        "reload_dataloaders_every_n_epochs": "is what the task itself gives it",
        "default_root_dir": "follows from hydra.run.dir",
        **dict.fromkeys(("fast_dev_run", "barebones"), "would keep nothing of what a run is for"),
    }
    """Arguments that cannot be given, and why."""

    def problems(self) -> Iterable[str]:
        for name in self.__pydantic_extra__ or {}:
            if name in self.refused:
                yield f"{name}: cannot be given, as it {self.refused[name]}"
            elif name not in trainer_arguments():
                yield f"{name}: unknown setting{suggestion(name, trainer_arguments(), 'trainer.')}"

    def arguments(self) -> dict[str, Any]:
        """What the Trainer is called with."""
        return self.model_dump()


class LoaderConfig(Settings):
    """How samples are loaded."""

    batch_size: Count
    num_workers: Natural
    """Processes that load samples; 0 loads in the training process."""


class ScheduleConfig(Settings):
    """The learning rate of a training, stepped every batch."""

    lr: Annotated[float, Field(ge=1e-8, le=10)]
    """Peak learning rate."""
    warmup: Share
    """Share of all steps in which the learning rate grows linearly from a hundredth."""
    schedule: Literal["cosine", "linear", "multistep", "constant"]
    """After the warm-up: down to `lr * final_lr` by cosine or linearly, in tenths at 2/3 and 8/9, or not at all."""
    final_lr: Share
    """Share of `lr` that is left at the end of cosine and linear."""


class NetworkTrainerConfig(TrainerConfig):
    """The Trainer of a network: a segmenter, a painter."""

    devices: Count
    num_nodes: Count
    """Machines that train together, each started by torchrun or SLURM."""
    strategy: str
    precision: Literal["32-true", "16-mixed", "bf16-mixed"]
    max_epochs: Count | None
    """null: as many as the task's own `steps` ask for."""
    check_val_every_n_epoch: Count | None
    """Epochs from one validation to the next; null: as `validations` ask for. Where `max_epochs` is given, a smaller
    divisor of it, so that the last is measured."""
    limit_train_batches: CountOrShare | None
    """Batches an epoch (a count from 1 on, a share below); null takes all."""
    limit_val_batches: CountOrShare | None
    accumulate_grad_batches: Annotated[int, Field(ge=1, le=1000)]
    """Batches whose gradients make a step. Single photos, accumulated, are not padded to each other's size."""


class PaintTrainerConfig(TrainerConfig):
    """The Trainer of a picture. A picture is one parameter: some of what a Trainer can do would harm it."""

    refused: ClassVar[Mapping[str, str]] = {
        **TrainerConfig.refused,
        "devices": "has one meaning only: a picture cannot be shared; give each device pictures of its own",
        "num_nodes": "has one meaning only: a picture cannot be shared; give each machine pictures of its own",
        "strategy": "has one meaning only: a picture cannot be shared",
        "accumulate_grad_batches": "would add up the gradient of the same picture",
        "precision": "would round the picture itself (banding); encoder.precision=bfloat16 runs the encoder in 16 bits",
        **dict.fromkeys(
            ("max_epochs", "max_steps", "limit_train_batches", "overfit_batches"), "follows from recipe.steps"
        ),
    }


@lru_cache
def trainer_arguments() -> tuple[str, ...]:
    """Names of the arguments of Lightning's Trainer, read from its source: importing it takes seconds."""
    package = find_spec("pytorch_lightning")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).parent / "trainer" / "trainer.py"
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and node.name == "Trainer":
            (init,) = (item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__")
            return tuple(argument.arg for argument in (*init.args.args[1:], *init.args.kwonlyargs))
    raise RuntimeError(f"{source}: holds no class Trainer")
