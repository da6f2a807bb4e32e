"""Check a composed config against its dataclass and report every problem in one message."""

from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pochoir.config import KINDS
from pochoir.errors import ConfigError

Schema = TypeVar("Schema")


def validate(config: DictConfig, schema: type[Schema]) -> Schema:
    """Turn a composed config into a typed object, or raise one `ConfigError` that lists every problem.

    Checked are unknown and missing keys, types, ranges, choices, paths that must exist and settings that exclude each
    other. Nothing heavy is imported or read.
    """
    problems: list[str] = []
    result = _convert(config, schema, "", problems)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(f"{count} in the settings:\n" + "\n".join(f"  - {problem}" for problem in problems))
    return result


def _convert(node: DictConfig, schema: type[Any], prefix: str, problems: list[str]) -> Any:
    hints = get_type_hints(schema)
    known = {f.name: f for f in fields(schema)}
    for key in node:
        if str(key) not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"; did you mean '{prefix}{close[0]}'?" if close else ""
            problems.append(f"{prefix}{key}: unknown setting{hint}")
    values: dict[str, Any] = {}
    before = len(problems)
    for name, spec in known.items():
        key = prefix + name
        if is_dataclass(hints[name]) and isinstance(hints[name], type):
            child = _kind(node.get(name, OmegaConf.create({})), hints[name], name, key, problems)
            if child is not None:
                values[name] = _convert(node.get(name, OmegaConf.create({})), child, f"{key}.", problems)
        elif OmegaConf.is_missing(node, name) or (name not in node and spec.default == "???"):
            problems.append(f"{key}: missing; give it as {key}=…")
        elif name in node:
            values[name] = _leaf(node, name, schema, key, problems)
            problems.extend(f"{key}: {wrong}" for wrong in _out_of_range(values[name], spec.metadata))
    if len(problems) > before:
        return None
    result = schema(**values)
    for name in getattr(schema, "paths", ()):
        path = getattr(result, name)
        if path is not None and not Path(path).expanduser().exists():
            problems.append(f"{prefix}{name}: '{path}' does not exist")
    if hasattr(result, "problems"):
        problems.extend(f"{prefix.rstrip('.')}: {problem}" for problem in result.problems())
    return result


def _kind(node: Any, hint: type, name: str, key: str, problems: list[str]) -> type | None:
    if not isinstance(node, DictConfig):
        problems.append(f"{key}: {node!r} is no group of settings; choose one as {key}=<name of a file in conf/{key}>")
        return None
    if name not in KINDS:
        return hint
    kind = node.get("name")
    if kind not in KINDS[name]:
        problems.append(f"{key}.name: {kind!r} is unknown; allowed: {', '.join(KINDS[name])}")
        return None
    return KINDS[name][kind]


def _leaf(node: DictConfig, name: str, schema: type[Any], key: str, problems: list[str]) -> Any:
    try:
        typed = OmegaConf.merge(OmegaConf.structured(schema), {name: node[name]})
        return OmegaConf.to_container(typed, throw_on_missing=False, resolve=True)[name]  # type: ignore[call-overload,index]
    except OmegaConfBaseException as error:
        problems.append(f"{key}: {str(error).splitlines()[0]}")
        return None


def _out_of_range(value: Any, metadata: Any) -> list[str]:
    if metadata.get("choices") and value is not None and value not in metadata["choices"]:
        close = get_close_matches(str(value), metadata["choices"], n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        return [f"{value!r} is not one of {', '.join(metadata['choices'])}{hint}"]
    low, high = metadata.get("low"), metadata.get("high")
    if isinstance(value, bool) or not isinstance(value, int | float) or (low is None and high is None):
        return []
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        allowed = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        return [f"{value:g} is out of range; allowed is {allowed}"]
    return []
