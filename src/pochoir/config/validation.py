"""Check a composed config against its dataclass and report every problem in one message."""

import math
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pochoir.assets import located
from pochoir.config import KINDS
from pochoir.errors import ConfigError, suggestion

Schema = TypeVar("Schema")


def validate(config: DictConfig, schema: type[Schema]) -> Schema:
    """Turn a composed config into a typed object, or raise one `ConfigError` that lists every problem.

    Checked are unknown and missing keys, types, ranges, choices, paths that must exist and settings that exclude each
    other. Nothing heavy is imported or read; names of built-in pictures become paths.
    """
    problems: list[str] = []
    result = _convert(config, schema, "", problems)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(f"{count} in the settings:\n" + "\n".join(f"  - {problem}" for problem in problems))
    return result


def _convert(node: DictConfig, schema: type[Any], prefix: str, problems: list[str]) -> Any:
    """The typed object, if need be with values out of range; None when a value is missing or of a wrong type."""
    hints = get_type_hints(schema)
    known = {f.name: f for f in fields(schema)}
    for key in node:
        if str(key) not in known:
            problems.append(f"{prefix}{key!s}: unknown setting{suggestion(str(key), known, prefix)}")
    values: dict[str, Any] = {}
    complete = True
    for name, spec in known.items():
        key = prefix + name
        try:
            if kind := _kind_of_values(hints[name]):
                values[name] = {
                    str(part): _group(child, kind, f"{key}.{part!s}", problems)
                    for part, child in (node.get(name) or {}).items()
                }
                complete = complete and None not in values[name].values()
            elif is_dataclass(hints[name]) and isinstance(hints[name], type):
                group = node.get(name, OmegaConf.create({}))
                values[name] = _group(group, hints[name], key, problems)
                complete = complete and values[name] is not None
            elif OmegaConf.is_missing(node, name) or (name not in node and spec.default == "???"):
                problems.append(f"{key}: missing; give it as {key}=…")
                complete = False
            elif name in node:
                values[name] = _leaf(node, name, schema)
                problems.extend(f"{key}: {wrong}" for wrong in _out_of_range(values[name], spec.metadata))
                if name in getattr(schema, "paths", ()) and values[name] is not None:
                    values[name] = _located(values[name])
                    problems.extend(f"{key}: {wrong}" for wrong in _absent(values[name]))
        except OmegaConfBaseException as error:
            problems.append(f"{key}: {str(error).splitlines()[0]}")
            complete = False
        except ConfigError as error:
            problems.append(f"{key}: {error}")
            complete = False
    if not complete:
        return None
    result = schema(**values)
    if hasattr(result, "problems"):
        problems.extend(prefix + problem for problem in result.problems())
    return result


def _kind_of_values(hint: Any) -> type | None:
    """The dataclass of the values of a dictionary of groups; None for anything else."""
    values = get_args(hint)[1:] if get_origin(hint) is dict else ()
    return values[0] if values and is_dataclass(values[0]) else None  # type: ignore[return-value]


def _group(node: Any, hint: type, key: str, problems: list[str]) -> Any:
    kind = _kind(node, hint, key, problems)
    return _convert(node, kind, f"{key}.", problems) if kind else None


def _kind(node: Any, hint: type, key: str, problems: list[str]) -> type | None:
    groups = ({name: kind for name, kind in group.items() if issubclass(kind, hint)} for group in KINDS.values())
    kinds: dict[str, type] = next(filter(None, groups), {})
    if not isinstance(node, DictConfig):
        advice = f"allowed: {', '.join(kinds)}" if kinds else f"give its settings as {key}.<setting>=…"
        problems.append(f"{key}: {node!r} is no group of settings; {advice}")
        return None
    if not kinds:
        return hint
    kind = node.get("name")
    if kind not in kinds:
        allowed = ", ".join(kinds) + suggestion(str(kind), kinds)
        problems.append(f"{key}.name: {kind!r} is unknown; allowed: {allowed}")
        return None
    return kinds[kind]


def _leaf(node: DictConfig, name: str, schema: type[Any]) -> Any:
    typed = OmegaConf.merge(OmegaConf.structured(schema), {name: node[name]})
    return OmegaConf.to_container(typed, throw_on_missing=False, resolve=True)[name]  # type: ignore[call-overload,index]


def _located(path: str | list[str]) -> str | list[str]:
    """Paths, with those of pictures that come with the project in place of their names."""
    return [located(one) for one in path] if isinstance(path, list) else located(path)


def _absent(path: str | list[str]) -> list[str]:
    if isinstance(path, list):
        return [wrong for one in path for wrong in _absent(one)]
    if not path:
        return ["is empty; give a path, or null for none"]
    return [] if Path(path).expanduser().exists() else [f"'{path}' does not exist"]


def _out_of_range(value: Any, metadata: Any) -> list[str]:
    choices = metadata.get("choices")
    if choices and value is not None and value not in choices:
        return [f"{value!r} is not one of {', '.join(choices)}{suggestion(str(value), choices)}"]
    low, high = metadata.get("low"), metadata.get("high")
    if isinstance(value, bool) or not isinstance(value, int | float) or (low is None and high is None):
        return []
    low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
    if not low <= value <= high or math.isinf(value):
        allowed = f"at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
        return [f"{value} is {'out of range' if math.isfinite(value) else 'no finite number'}; allowed is {allowed}"]
    return []
