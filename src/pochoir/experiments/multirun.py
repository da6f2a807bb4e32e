"""A multirun's beginning and end, as a Hydra callback: what is refused before it, and what is left after it."""

import sys
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from pochoir.errors import ConfigError, PochoirError, SomeInputsFailedError, fail
from pochoir.experiments.records import SWEEP
from pochoir.files import read_json, write_json


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

    Raises `ConfigError` where the folder holds another sweep, and where jobs would start processes of their own.
    """
    refuse_subprocesses(config)
    folder = Path(config.hydra.sweep.dir)
    common = {name: value for name, value in OmegaConf.to_container(config).items() if name != "hydra"}  # type: ignore[union-attr]
    sweep = {
        "swept": swept_keys(config),
        "overrides": list(config.hydra.overrides.task),
        "params": OmegaConf.to_container(config.hydra.sweeper.get("params") or OmegaConf.create({})),
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
