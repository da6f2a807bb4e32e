"""From a task's name and overrides, as they stand on a command line, to its typed settings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_module
from hydra._internal.config_repository import ConfigRepository
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pochoir.config import overrides as given_words
from pochoir.config.base import Settings
from pochoir.config.film import FilmConfig
from pochoir.config.painters import ExportPainterConfig, TrainPainterConfig
from pochoir.config.painting import StylizeConfig
from pochoir.config.partial import PartialConfig
from pochoir.config.renamed import renamed
from pochoir.config.segmentation import EvalSegConfig, ExportSegConfig, PredictSegConfig, TrainSegConfig
from pochoir.config.studio import StudioConfig
from pochoir.config.validation import UNKNOWN, Problem, has_kinds, listed, plain, problems_of, typed
from pochoir.errors import ConfigError, suggestion

CONF = "pochoir.conf"
"""The folder conf/, as package data."""
SCHEMAS: dict[str, type[Settings]] = {
    "train_seg": TrainSegConfig,
    "predict_seg": PredictSegConfig,
    "eval_seg": EvalSegConfig,
    "export_seg": ExportSegConfig,
    "stylize": StylizeConfig,
    "partial": PartialConfig,
    "film": FilmConfig,
    "train_painter": TrainPainterConfig,
    "export_painter": ExportPainterConfig,
    "studio": StudioConfig,
}
"""Tasks and what their settings are."""


def load_config(task: str, overrides: Sequence[str] = ()) -> Any:
    """The typed settings of a task: the defaults of conf/ with overrides as they stand on the command line.

    `load_config("stylize", ["recipe=quick"])`. What a task works on (`content`, `style`) may be left out: from Python
    it is an argument. Raises one `ConfigError` that lists every problem.
    """
    if isinstance(overrides, str):
        raise ConfigError(f"overrides: give a list of them, ['{overrides}']")
    return Request(task, overrides).check(in_python=True)


@dataclass(frozen=True)
class Request:
    """What is asked of a task: overrides, and folders with configs of one's own beside conf/."""

    task: str
    overrides: Sequence[str] = ()
    folders: Sequence[Path] = ()
    multirun: bool = False

    def __post_init__(self) -> None:
        if self.task not in SCHEMAS:
            known = ", ".join(SCHEMAS) + suggestion(self.task, SCHEMAS)
            raise ConfigError(f"'{self.task}' is no task with settings; these are {known}")

    def check(self, *, in_python: bool = False) -> Any:
        """The typed settings; in_python: what the task works on may be missing, and what the command does must be.

        Of a multirun they are its first job's, whatever is wrong with the values that it varies: a job that fails by
        them is a line in the table. Raises one `ConfigError` that lists every problem.
        """
        with _configs(self.folders) as loader:
            given, problems = given_words.read(loader, self.task, self.overrides)
            try:
                config, varied = _composed(self.task, given)
                if self._sweeps(config):
                    given, unmatched = given_words.with_files(loader, given, config)
                    problems += unmatched
                    config, varied = _composed(self.task, given)
            except (HydraException, OmegaConfBaseException) as error:
                raise ConfigError(listed([*problems, Problem("", str(error).splitlines()[0])])) from None
        refused = {problem.key for problem in problems}
        kinds = [key for key in refused if has_kinds(SCHEMAS[self.task], key)]
        if not self._sweeps(config):
            problems += [given_words.several(one) for one in given if one.is_sweep_override()]
        if in_python:
            beside = [one.key_or_group for one in given if one.key_or_group.startswith("hydra")]
            problems += [Problem(key, "is a setting of the command, not of Python") for key in beside]
            if config.hydra.mode == RunMode.MULTIRUN:
                problems.append(Problem("", f"these settings are a sweep, which the command runs: pochoir {self.task}"))
        settings, found = to_settings(self.task, config, complete=not in_python)
        for problem in found:
            told = problem.key in refused or problem.lies_in(kinds)
            if not told and (problem.is_unknown() or not problem.lies_in(varied)):
                problems.append(problem)
        if problems:
            raise ConfigError(listed(problems))
        return settings

    def words(self) -> list[str]:
        """The overrides as Hydra takes them: an experiment where it lies, keys that conf/ does not name with `++`, of a
        multirun the files that a pattern stands for.

        Raises `ConfigError` for what cannot be read and for choices that there are not.
        """
        with _configs(self.folders) as loader:
            given, problems = given_words.read(loader, self.task, self.overrides)
            told = [one for one in given if given_words.chooses(one) or one.key_or_group.startswith("hydra.")]
            chosen = compose(self.task, [given_words.first(one) for one in told], return_hydra_config=True)
            if self._sweeps(chosen):
                given, unmatched = given_words.with_files(loader, given, chosen)
                problems += unmatched
            if problems:
                raise ConfigError(listed(problems))
            return [given_words.for_hydra(one, chosen) for one in given]

    def _sweeps(self, config: DictConfig) -> bool:
        return self.multirun or config.hydra.mode == RunMode.MULTIRUN

    def choices(self) -> dict[str, list[str]]:
        """The groups of the task and what can be chosen of each, its experiments among them."""
        with _configs(self.folders) as loader:
            return given_words.choices(loader, self.task)


def to_settings(task: str, config: DictConfig, *, complete: bool = True) -> tuple[Any, list[Problem]]:
    """A composed config as typed settings, None where something is wrong, and all that is; see `Request.check`."""
    schema = SCHEMAS[task]
    values, missing, unresolved = plain(OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]))
    for key in [key for key in missing if key in schema.model_fields and _may_be_none(schema, key)]:
        values[key] = None  # see Settings.lacking
    _complete_parts(values)
    settings, problems = typed(schema, values)
    broken = {problem.key for problem in unresolved}
    problems = [*unresolved, *(_explained(task, problem) for problem in problems if problem.key not in broken)]
    if settings is not None and complete:
        problems += problems_of(settings.lacking())
    return settings, problems


def _explained(task: str, problem: Problem) -> Problem:
    """An unknown setting may be one of the version before, or of another task."""
    problem = renamed(task, problem)
    others = [other for other, schema in SCHEMAS.items() if problem.key in schema.model_fields]
    if problem.what == UNKNOWN and others:
        return Problem(problem.key, f"{UNKNOWN} of {task}; it is one of {', '.join(others)}")
    return problem


def _may_be_none(schema: type[Settings], key: str) -> bool:
    return type(None) in getattr(schema.model_fields[key].annotation, "__args__", ())


@contextmanager
def _configs(folders: Sequence[Path]) -> Iterator[ConfigLoader]:
    """Hydra on conf/ and folders beside it; whatever Hydra the process runs otherwise is set aside meanwhile."""
    running, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        with initialize_config_module(CONF, version_base="1.3"):
            loader: Any = GlobalHydra.instance().config_loader()
            for folder in folders:
                loader.get_search_path().prepend("command-line", f"file://{folder}", anchor="schema")
            loader.repository = ConfigRepository(loader.get_search_path())  # which reads the path but once
            yield loader
    finally:
        GlobalHydra.instance().hydra = running


def _composed(task: str, given: Sequence[Override]) -> tuple[DictConfig, list[str]]:
    """The config, of a multirun its first job's, also with keys that it does not have, and the keys that vary."""
    words = [given_words.first(one) for one in given]
    config = compose(task, overrides=words, return_hydra_config=True)
    params = given_words.of_sweeper(config)
    if params:
        words = [*map(given_words.first, params), *words]
        config = compose(task, overrides=words, return_hydra_config=True)
    varied = [one for one in [*params, *given] if one.is_sweep_override() and not given_words.chooses(one)]
    return config, [one.key_or_group for one in varied]


def _complete_parts(values: dict[str, Any]) -> None:
    """Give the parts of a mixture what their kind's YAML says."""
    dataset = values.get("dataset")
    parts = dataset.get("parts") if isinstance(dataset, dict) else None
    if isinstance(parts, dict):
        dataset["parts"] = {  # type: ignore[index]
            name: {**_defaults_of(part["name"]), **part} if isinstance(part, dict) and "name" in part else part
            for name, part in parts.items()
        }


def _defaults_of(kind: Any) -> dict[str, Any]:
    with _configs(()) as loader:
        if kind not in loader.get_group_options("dataset"):
            return {}
        composed = compose(overrides=[f"+dataset={kind}"])
    return plain(composed.dataset)[0]
