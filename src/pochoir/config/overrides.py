"""Overrides as people type them: what cannot be read or chosen is told in words, the rest is put as Hydra takes it."""

import re
import shlex
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from hydra import compose
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, Quote, QuotedString
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf

from pochoir.config.globs import PREFIX, files_matching
from pochoir.config.validation import Problem
from pochoir.errors import DataError, suggestion

EXPERIMENT = "experiment"


def read(loader: ConfigLoader, task: str, words: Sequence[str]) -> tuple[list[Override], list[Problem]]:
    """Overrides, parsed; those that cannot be, or name no choice of their group, are problems instead."""
    given: list[Override] = []
    problems: list[Problem] = []
    for word in words:
        override = _parsed(loader, word) or _as_text(loader, word)
        if override is None:
            problems.append(_unreadable(word))
            continue
        group, what = override.key_or_group, ""
        if group == EXPERIMENT:
            override, what = _experiment(loader, task, override)
        elif options := loader.get_group_options(group):
            what = _wrong_choice(task, override, options)
        if what:
            problems.append(Problem(group, what))
        else:
            given.append(override)
    return given, problems


def experiments(loader: ConfigLoader, task: str) -> list[str]:
    """Of a task: those of conf/experiment/<task>, and those of a folder of one's own."""
    return [*loader.get_group_options(f"{EXPERIMENT}/{task}"), *loader.get_group_options(EXPERIMENT)]


def choices(loader: ConfigLoader, task: str) -> dict[str, list[str]]:
    """The groups that a task has, and what can be chosen of each."""
    own = {group: loader.get_group_options(group) for group in _groups(task) if not group.startswith("hydra")}
    return {**own, EXPERIMENT: experiments(loader, task)}


def several(override: Override) -> Problem:
    """Several values where there is no multirun."""
    key, _, value = _line(override).partition("=")
    return Problem(
        key,
        f"{value} are several values: a text with commas wants quotes, {_in_shell(f'{key}={_quoted(value)}')}, a list "
        f"of them, where one is taken, brackets, and a sweep the option -m",
    )


def of_sweeper(config: DictConfig) -> list[Override]:
    """What `hydra.sweeper.params` vary."""
    params = config.hydra.sweeper.get("params") or {}
    return OverridesParser.create().parse_overrides([f"{key}={value}" for key, value in params.items()])


def with_files(
    loader: ConfigLoader, given: Sequence[Override], config: DictConfig
) -> tuple[list[Override], list[Problem]]:
    """Overrides of a multirun, `hydra.sweeper.params` among them, with the files for `glob:<pattern>`; and problems."""
    told = {one.key_or_group for one in given}
    beside = [one for one in of_sweeper(config) if one.key_or_group not in told and _patterns(loader, one)]
    expanded: list[Override] = []
    problems: list[Problem] = []
    for override in [*given, *beside]:
        try:
            expanded.append(_with_files(loader, override))
        except DataError as error:
            problems.append(Problem(override.key_or_group, str(error)))
    return expanded, problems


def _with_files(loader: ConfigLoader, override: Override) -> Override:
    patterns = _patterns(loader, override)
    if not patterns:
        return override
    parts = [
        ",".join(map(_quoted, files_matching(patterns[text]))) if text in patterns else text
        for text in _texts(override)
    ]
    key = _line(override).partition("=")[0]
    return OverridesParser.create(loader).parse_overrides([f"{key}={','.join(parts)}"])[0]


def _patterns(loader: ConfigLoader, override: Override) -> dict[str, str]:
    """The values of an override that stand for files, as they stand there, and their patterns."""
    read = {text: _parsed(loader, f"key={text}") for text in _texts(override)}
    values = {text: str(one.value()) for text, one in read.items() if one is not None}
    return {text: value.removeprefix(PREFIX) for text, value in values.items() if value.startswith(PREFIX)}


def _texts(override: Override) -> list[str]:
    """Each of an override's values as it stands there; none where they are no list of values."""
    if override.is_sweep_override():
        return list(override.sweep_string_iterator()) if isinstance(override.value(), ChoiceSweep) else []
    return [_line(override).partition("=")[2]]


def chooses(override: Override) -> bool:
    """Whether it is about a group's choice."""
    repository: Any = GlobalHydra.instance().config_loader().repository  # type: ignore[attr-defined]
    return bool(repository.group_exists(override.key_or_group))


def first(override: Override) -> str:
    """With one value, the first of a sweep's; keys may be new: Hydra alone would end at the first that is."""
    line = _line(override)
    if override.is_sweep_override():
        sweep = override.value()
        value = sweep.start if isinstance(sweep, IntervalSweep) else next(override.sweep_string_iterator())
        line = f"{line.partition('=')[0]}={value}"
    return line if _is_settled(override) else f"++{line}"


def for_hydra(override: Override, chosen: DictConfig) -> str:
    """As Hydra takes it; chosen: the config of the choices alone, which tells what keys are new."""
    parent, _, name = override.key_or_group.rpartition(".")
    section = OmegaConf.select(chosen, parent) if parent else chosen
    is_there = isinstance(section, DictConfig) and name in list(section)
    return _line(override) if is_there or _is_settled(override) else f"++{_line(override)}"


def _is_settled(override: Override) -> bool:
    """Groups, Hydra's own settings, and what says itself how it comes in."""
    return _line(override).startswith(("+", "~", "hydra.")) or chooses(override)


def _line(override: Override) -> str:
    return override.input_line or ""


def _parsed(loader: ConfigLoader, word: str) -> Override | None:
    try:
        (override,) = OverridesParser.create(loader).parse_overrides([word])
    except OverrideParseException:
        return None
    return override


def _as_text(loader: ConfigLoader, word: str) -> Override | None:
    """What Hydra's grammar knows no reading of, such as photo(1).jpg, is a text; so are such values of a list.

    None where it is not certain what is meant: beside quotes, brackets and interpolations.
    """
    key, equals, value = word.partition("=")
    if not (key and equals):
        return None
    is_list = value.startswith("[") and value.endswith("]")
    parts = [part.strip() for part in (value[1:-1] if is_list else value).split(",")]
    if any(part[:1] in set("'\"[{") or "${" in part for part in parts if part):
        return None
    line = ",".join(part if _parsed(loader, f"{key}={part}") else _quoted(part) for part in parts)
    return _parsed(loader, f"{key}=[{line}]" if is_list else f"{key}={line}")


def _unreadable(word: str) -> Problem:
    key, equals, value = word.partition("=")
    if not (key and equals):
        return Problem("", f"'{word}' is no setting; settings are given as <key>=<value>")
    text = _in_shell(f"{key}=" + _quoted(value.strip("'")))
    return Problem(key, f"{value} cannot be read; a text with quotes, brackets or commas in it is given as {text}")


def _quoted(text: str) -> str:
    """As Hydra takes any text; `${` in it is no interpolation."""
    plain = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    return QuotedString(plain, Quote.single).with_quotes()


def _in_shell(word: str) -> str:
    """As a shell takes it."""
    return shlex.quote(word) if set(word) & set('"$`\\!') else f'"{word}"'


def _wrong_choice(task: str, override: Override, options: Sequence[str]) -> str:
    groups = _groups(task)
    if override.key_or_group not in groups and not _line(override).startswith(("+", "~")):
        return f"{task} has no such group; there are {', '.join(name for name in groups if 'hydra' not in name)}"
    wrong = [value for value in _values(override) if value not in options and not override.is_delete()]
    return f"{wrong[0]!r} is unknown; allowed: {_list(options, str(wrong[0]))}" if wrong else ""


@lru_cache
def _groups(task: str) -> tuple[str, ...]:
    """Groups that a task's YAML chooses from, Hydra's own included."""
    return tuple(compose(task, return_hydra_config=True).hydra.runtime.choices)


def _values(override: Override) -> list[Any]:
    """What an override chooses: one thing, or several that a list or a sweep names."""
    value = override.value()
    return value.list if isinstance(value, ChoiceSweep) else value if isinstance(value, list) else [value]


def _experiment(loader: ConfigLoader, task: str, override: Override) -> tuple[Override, str]:
    """`experiment=demo` as where it lies, conf/experiment/<task>/demo.yaml; of a folder of one's own, as it is."""
    places = {name: f"{task}/{name}" for name in loader.get_group_options(f"{EXPERIMENT}/{task}")}
    words = []
    for value in _values(override):
        if value not in [*experiments(loader, task), *places.values()]:
            name = str(value).rpartition("/")[-1]
            tasks = loader.get_group_options(EXPERIMENT, ObjectType.GROUP)
            others = [other for other in tasks if name in loader.get_group_options(f"{EXPERIMENT}/{other}")]
            for_others = f" (it is one of {', '.join(others)})" if others else ""
            return override, f"{task} has no {value!r}{for_others}; allowed: {_list(experiments(loader, task), name)}"
        words.append(places.get(value, value))
    chosen = ",".join(words)
    line = f"{EXPERIMENT}=[{chosen}]" if isinstance(override.value(), list) else f"{EXPERIMENT}={chosen}"
    return OverridesParser.create(loader).parse_overrides([line])[0], ""


def _list(options: Sequence[str], word: str) -> str:
    return f"{', '.join(options) or 'none'}{suggestion(word, options)}"


def written(key: str, value: Any) -> str:
    """A setting as an override, for `load_config` or a command line: quoted where a text needs it."""
    return f"{key}={_written(value)}"


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str):
        return f"{value:.10g}" if isinstance(value, float) else str(value)
    try:
        read = OverridesParser.create().parse_rule(value, "value")
    except (OverrideParseException, HydraException):
        read = None
    return value if read == value and "," not in value else _quoted(value)
