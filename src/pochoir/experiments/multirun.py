"""A multirun's beginning and end, as a Hydra callback: what is refused before it, and what is left after it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict

from pochoir.errors import ConfigError, PochoirError, SomeInputsFailedError, fail
from pochoir.experiments.records import SWEEP
from pochoir.files import read_json, write_json

NUMBERED = "${hydra.job.num}"
"""How jobs are called by default."""
SWEEPER = f"{BasicSweeper.__module__}.{BasicSweeper.__name__}"
LONGEST_NAME = 255
"""Bytes that file systems take as the name of a folder."""


class SweepReport(Callback):
    """Named in conf/hydra/default.yaml as `hydra.callbacks.sweep`.

    A callback's exceptions are mere warnings to Hydra: errors end the program here.
    """

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            begin_sweep(config)
        except PochoirError as error:
            fail(error)

    def on_job_end(self, config: DictConfig, job_return: Any, **kwargs: Any) -> None:
        folder = Path(config.hydra.sweep.dir)
        if (folder / SWEEP).is_file():  # a sweep that is broken off has its table as far as it came
            from pochoir.experiments.sweep_summary import write_table

            write_table(folder)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        from pochoir.experiments.sweep_summary import summarize  # draws: heavy

        try:
            failed = summarize(Path(config.hydra.sweep.dir))
        except PochoirError as error:
            fail(error)
        if failed:
            sys.exit(SomeInputsFailedError.exit_code)


def begin_sweep(config: DictConfig) -> None:
    """Write sweep.json: the keys that are swept and all that the jobs have in common.

    Raises `ConfigError` where the folder holds another sweep, where jobs would start processes of their own, and where
    they cannot be told apart by their folders.
    """
    refuse_subprocesses(config)
    refuse_shared_folders(config)
    folder = Path(config.hydra.sweep.dir)
    common = {name: value for name, value in OmegaConf.to_container(config).items() if name != "hydra"}  # type: ignore[union-attr]
    sweep = {
        "swept": swept_keys(config),
        "overrides": list(config.hydra.overrides.task),
        "params": OmegaConf.to_container(config.hydra.sweeper.get("params") or OmegaConf.create({})),
        "subdir": naming(config),
        "settings": common,
    }
    earlier = read_json(folder / SWEEP)
    if earlier is not None and earlier != sweep:
        raise ConfigError(
            f"hydra.sweep.dir: {folder} holds another sweep ({' '.join(earlier['overrides'])}); continue it by its own "
            "command, with unchanged configs, or choose another folder"
        )
    write_json(folder / SWEEP, sweep)


def swept_keys(config: DictConfig) -> list[str]:
    """The keys that a multirun varies, from the command line and from `hydra.sweeper.params`, in order."""
    given = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
    keys = [override.get_key_element().lstrip("+~") for override in given if override.is_sweep_override()]
    params = config.hydra.sweeper.get("params") or {}
    return list(dict.fromkeys([*map(str, params), *keys]))


def naming(config: DictConfig) -> str:
    """How jobs' folders are called: `hydra.sweep.subdir`, its interpolations unresolved."""
    return str(OmegaConf.to_container(config.hydra.sweep)["subdir"])  # type: ignore[index,call-overload]


def refuse_shared_folders(config: DictConfig) -> None:
    """Raise `ConfigError` where `hydra.sweep.subdir` does not give every job a folder of its own in the sweep's.

    What an optimiser will try is not known yet: of its jobs nothing is refused here.
    """
    subdir, key = naming(config), "hydra.sweep.subdir"
    if "${now:" in subdir:
        raise ConfigError(
            f"{key}: {subdir} would be another when the sweep is continued; put the time into hydra.sweep.dir"
        )
    if config.hydra.output_subdir != ".hydra":
        raise ConfigError(f"hydra.output_subdir: {config.hydra.output_subdir} hides the jobs of a sweep; leave .hydra")
    if subdir == NUMBERED or config.hydra.sweeper._target_ != SWEEPER:
        return
    taken: dict[str, int] = {}
    for number, place in enumerate(job_folders(config)):
        folder, told = os.path.normpath(place), f"{key}: {subdir} puts job {number} into {place!r}"
        parts = Path(folder).parts
        if Path(folder).is_absolute() or ".." in parts or not parts:
            raise ConfigError(f"{told}, which is not in the sweep's folder")
        if any(len(part.encode()) > LONGEST_NAME for part in parts):
            raise ConfigError(f"{told}, a longer name than disks take; leave it at {NUMBERED}")
        if folder in taken:
            raise ConfigError(f"{told}, as job {taken[folder]}; leave it at {NUMBERED}")
        taken[folder] = number
    for folder, number in taken.items():
        if around := next((above for above in map(str, Path(folder).parents) if above in taken), None):
            told = f"puts job {number} into {folder!r}, within the folder of job {taken[around]}"
            raise ConfigError(f"{key}: {subdir} {told}; leave it at {NUMBERED}")


def job_folders(config: DictConfig) -> Iterator[str]:
    """Where in the sweep's folder each job of Hydra's own sweeper goes."""
    loader: Any = GlobalHydra.instance().config_loader()
    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    given = OverridesParser.create(loader).parse_overrides([*params, *config.hydra.overrides.task])
    before = HydraConfig.instance().cfg
    try:
        for number, overrides in enumerate(BasicSweeper.split_arguments(given, None)[0]):
            job = loader.load_sweep_config(config, overrides)
            with open_dict(job):
                job.hydra.job.id, job.hydra.job.num = str(number), number
            HydraConfig.instance().set_config(job)  # which ${hydra:…} reads
            yield str(job.hydra.sweep.subdir)
    finally:
        HydraConfig.instance().cfg = before


def refuse_subprocesses(config: DictConfig) -> None:
    """Raise `ConfigError` where a job would have several processes: on one machine Lightning starts the command once
    more for each, on several torchrun does.

    These processes would not be parts of a job but sweeps of their own. On SLURM the scheduler starts them.
    """
    trainer, swept = config.get("trainer") or {}, swept_keys(config)
    counts = {f"trainer.{name}": trainer.get(name, 1) for name in ("devices", "num_nodes")}
    several = [
        f"{name}={'…' if name in swept else count}" for name, count in counts.items() if count != 1 or name in swept
    ]
    scheduled = "slurm" in str(config.hydra.launcher.get("_target_", "")).lower()
    if several and not scheduled:
        raise ConfigError(
            f"{' '.join(several)}: every process of a job would run the whole sweep. Use 1 and a launcher that runs "
            "several jobs at once (hydra/launcher=joblib), or hydra/launcher=submitit_slurm, which starts the processes"
        )
