"""From a task's name and overrides, as they stand on a command line, to its typed settings."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pochoir.config.base import Settings
from pochoir.config.painting import StylizeConfig
from pochoir.config.partial import PartialConfig
from pochoir.config.renamed import renaming_problems
from pochoir.config.segmentation import EvalSegConfig, ExportSegConfig, PredictSegConfig, TrainSegConfig
from pochoir.config.validation import listed, plain, typed
from pochoir.errors import ConfigError, suggestion

CONF = "pochoir.conf"
"""The folder conf/, as package data."""
EXPERIMENT = "experiment"
SCHEMAS: dict[str, type[Settings]] = {
    "train_seg": TrainSegConfig,
    "predict_seg": PredictSegConfig,
    "eval_seg": EvalSegConfig,
    "export_seg": ExportSegConfig,
    "stylize": StylizeConfig,
    "partial": PartialConfig,
}
"""Tasks and what their settings are."""


def load_config(task: str, overrides: Sequence[str] = ()) -> Any:
    """The typed settings of a task: the defaults of conf/ with overrides as they stand on the command line.

    `load_config("stylize", ["recipe=quick"])`. What a task works on (`content`, `style`) may be left out: from Python it
    is an argument. Raises one `ConfigError` that lists every problem.
    """
    settings, problems = Request(task, overrides).settings()
    if settings is None:
        raise ConfigError(listed(problems))
    return settings


@dataclass(frozen=True)
class Request:
    """What is asked of a task: overrides, and folders with configs of one's own beside conf/."""

    task: str
    overrides: Sequence[str] = ()
    folders: Sequence[str] = ()

    def settings(self) -> tuple[Any, list[str]]:
        """The typed settings, None where something is wrong, and all that is."""
        with _configs(self.folders) as loader:
            given, problems = _given(loader, self.task, self.overrides)
            config = _composed(self.task, given, problems)
        return (None, problems) if config is None else to_settings(self.task, config, problems)

    def check(self) -> bool:
        """Raise `ConfigError` for what is wrong before anything runs, and say whether this is a multirun.

        Values that a multirun varies are looked at by its jobs: one that fails is a line in the table, the keys are
        checked here.
        """
        with _configs(self.folders) as loader:
            given, problems = _given(loader, self.task, self.overrides)
            config = _composed(self.task, [one for one in given if not one.is_sweep_override()], problems)
            if config is None:
                raise ConfigError(listed(problems))
            swept = {one.get_key_element() for one in given if one.is_sweep_override()}
            swept |= set(config.hydra.sweeper.get("params") or {})
            varied = bool(swept) or config.hydra.mode == RunMode.MULTIRUN
            problems += _unknown(swept, config)
        settings, problems = to_settings(self.task, config, problems)
        if settings is not None and not varied:
            problems += settings.lacking()
        if problems:
            raise ConfigError(listed(problems))
        return varied


def to_settings(task: str, config: DictConfig, problems: Sequence[str] = ()) -> tuple[Any, list[str]]:
    """A composed config as typed settings; None where something is wrong, and all that is, after `problems`."""
    schema = SCHEMAS[task]
    values, missing, unresolved = plain(OmegaConf.masked_copy(config, [key for key in config if key != "hydra"]))
    values.pop(EXPERIMENT, None)
    for key in [key for key in missing if key in schema.model_fields and _may_be_none(schema, key)]:
        values[key] = None  # see Settings.lacking
    _complete_parts(values)
    settings, found = typed(schema, values)
    told = renaming_problems(task, [problem.partition(":")[0] for problem in found])
    found = [told.get(problem.partition(":")[0], problem) for problem in found]
    broken = [problem.partition(":")[0] for problem in unresolved]
    found = [problem for problem in found if problem.partition(":")[0] not in broken]
    return settings, [*problems, *unresolved, *found]


def _may_be_none(schema: type[Settings], key: str) -> bool:
    return type(None) in getattr(schema.model_fields[key].annotation, "__args__", ())


@contextmanager
def _configs(folders: Sequence[str]) -> Iterator[ConfigLoader]:
    """Hydra on conf/ and folders beside it; whatever Hydra the process runs otherwise is restored."""
    with initialize_config_module(CONF, version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        for folder in folders:
            loader.get_search_path().append("command-line", folder)
        yield loader


def _given(loader: ConfigLoader, task: str, overrides: Sequence[str]) -> tuple[list[Override], list[str]]:
    """Overrides, parsed; those that name no choice of their group are problems instead."""
    problems: list[str] = []
    kept: list[Override] = []
    for text in overrides:
        try:
            (override,) = OverridesParser.create().parse_overrides([text])
        except OverrideParseException as error:
            problems.append(f"{text}: {_first_line(error)}")
            continue
        if override.key_or_group == EXPERIMENT:
            override, wrong = _experiment(loader, task, override)
        else:
            wrong = _wrong_choice(loader, override)
        if wrong:
            problems.append(wrong)
        else:
            kept.append(override)
    return kept, problems


def _wrong_choice(loader: ConfigLoader, override: Override) -> str:
    group, value = override.key_or_group, override.value()
    options = loader.get_group_options(group)
    if not options or override.is_sweep_override() or override.is_delete() or not isinstance(value, str):
        return ""
    return "" if value in options else f"{group}: {value!r} is unknown; allowed: {_list(options, value)}"


def _experiment(loader: ConfigLoader, task: str, override: Override) -> tuple[Override, str]:
    """`experiment=demo` is conf/experiment/<task>/demo.yaml."""
    value = override.value()
    if not isinstance(value, str):
        return override, ""
    own = loader.get_group_options(f"{EXPERIMENT}/{task}")
    folder, _, name = value.rpartition("/")
    if folder in ("", task) and name in own:
        return OverridesParser.create().parse_overrides([f"{EXPERIMENT}={task}/{name}"])[0], ""
    if value in loader.get_group_options(EXPERIMENT):  # of a folder of one's own
        return override, ""
    others = [other for other in SCHEMAS if name in loader.get_group_options(f"{EXPERIMENT}/{other}")]
    for_others = f" (it is one of {', '.join(others)})" if others else ""
    return override, f"{EXPERIMENT}: {task} has no {value!r}{for_others}; allowed: {_list(own, name)}"


def _list(options: Sequence[str], word: str) -> str:
    return f"{', '.join(options) or 'none'}{suggestion(word, options)}"


def _composed(task: str, overrides: Iterable[Override], problems: list[str]) -> DictConfig | None:
    """The config with all overrides, also those of keys that it does not have: these are found when it is typed."""
    words = [_forced(one) for one in overrides]
    try:
        return compose(task, overrides=words, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        problems.append(_first_line(error))
        return None


def _forced(override: Override) -> str:
    """`key=value` as `++key=value`: Hydra alone would end at the first key that does not exist."""
    line = override.input_line or ""
    free = override.key_or_group.startswith("hydra") or line.startswith(("+", "~")) or _is_group(override.key_or_group)
    return line if free else f"++{line}"


def _is_group(key: str) -> bool:
    repository: Any = GlobalHydra.instance().config_loader().repository  # type: ignore[attr-defined]
    return bool(repository.group_exists(key))


def _unknown(keys: Iterable[str], config: DictConfig) -> Iterator[str]:
    for key in (key.lstrip("+~").partition("@")[0] for key in keys):
        parent, _, name = key.rpartition(".")
        siblings = OmegaConf.select(config, parent) if parent else config
        known = [str(name) for name in siblings] if isinstance(siblings, DictConfig) else []
        if name not in known and not _is_group(key):
            yield f"{key}: unknown setting{suggestion(name, known, f'{parent}.' if parent else '')}"


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


def task_experiment(task: str, overrides: Sequence[str], folders: Sequence[str] = ()) -> list[str]:
    """The overrides as Hydra takes them: with `experiment=<name>` where it lies."""
    with _configs(folders) as loader:
        result = []
        for text in overrides:
            if text.lstrip("+").startswith(f"{EXPERIMENT}="):
                (override,) = OverridesParser.create().parse_overrides([text])
                text = _experiment(loader, task, override)[0].input_line or text  # noqa: PLW2901
            result.append(text)
    return result


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
