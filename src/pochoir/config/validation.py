"""From plain values to typed settings, with every problem in one message."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pochoir.config.base import PROBLEMS, Settings
from pochoir.errors import ConfigError, suggestion

Schema = TypeVar("Schema", bound=Settings)
Location = tuple[str | int, ...]


def checked(schema: type[Schema], values: Mapping[str, Any]) -> Schema:
    """The typed settings of some values; raises one `ConfigError` that lists all that is wrong with them."""
    settings, problems = typed(schema, values)
    if settings is None:
        raise ConfigError(listed(problems))
    return settings


def typed(schema: type[Schema], values: Mapping[str, Any]) -> tuple[Schema | None, list[str]]:
    """The typed settings (None where the values are wrong), and what is wrong, each as `key: what`."""
    try:
        return schema.model_validate(values), []
    except ValidationError as error:
        found: dict[str, list[str]] = {}
        for detail in error.errors(include_url=False):
            where = _location(detail, values)
            if detail["type"] == PROBLEMS:
                found.setdefault(repr(where), []).extend(_joined(where, text) for text in detail["ctx"]["problems"])
            else:  # of a union's members, the first to refuse a value speaks for all
                found.setdefault(_key(where), [f"{_key(where)}: {_reason(detail, where, schema, values)}"])
        return None, [problem for problems in found.values() for problem in problems]


def listed(problems: list[str]) -> str:
    """Problems as one message."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"{count} in the settings:\n" + "\n".join(f"  - {problem}" for problem in problems)


def plain(config: DictConfig) -> tuple[dict[str, Any], list[str], list[str]]:
    """A composed config as plain values, with interpolations resolved; keys that nobody gave (`???`), which are absent;
    and problems of interpolations.
    """
    missing: list[str] = []
    problems: list[str] = []
    return _plain(config, "", missing, problems), missing, problems


def _plain(node: Any, prefix: str, missing: list[str], problems: list[str]) -> Any:
    if isinstance(node, ListConfig):
        return OmegaConf.to_container(node, resolve=True)
    values: dict[str, Any] = {}
    for name in node:
        key = f"{prefix}{name}"
        if OmegaConf.is_missing(node, name):
            missing.append(key)
            continue
        try:
            value = node[name]
            nested = isinstance(value, DictConfig | ListConfig)
            values[str(name)] = _plain(value, f"{key}.", missing, problems) if nested else value
        except OmegaConfBaseException as error:
            problems.append(f"{key}: {str(error).splitlines()[0]}")
    return values


def _location(detail: ErrorDetails, values: Any) -> Location:
    """Where a problem is, in terms of the config: without pydantic's names of the members of unions."""
    where: list[str | int] = []
    node = values
    for place, part in enumerate(detail["loc"]):
        last = place == len(detail["loc"]) - 1
        if isinstance(node, Settings):
            node = dict(node)
        if isinstance(node, Mapping) and (part in node or (last and detail["type"] == "missing")):
            where.append(part)
            node = node.get(part)
        elif isinstance(node, list | tuple) and isinstance(part, int):
            where.append(part)
            node = node[part]
    if detail["type"].startswith("union_tag"):
        where.append("name")
    return tuple(where)


def _key(where: Location) -> str:
    """As it stands on the command line; of a list, the list."""
    return ".".join(str(part) for part in where if isinstance(part, str))


def _joined(where: Location, problem: str) -> str:
    return ".".join(filter(None, [_key(where), problem]))


def _reason(detail: ErrorDetails, where: Location, schema: type[Settings], values: Any) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    key = _key(where)
    match kind:
        case "missing":
            return f"missing; give it as {key}=…"
        case "extra_forbidden":
            prefix = "".join(f"{part}." for part in where[:-1])
            return f"unknown setting{suggestion(str(where[-1]), _names(schema, where[:-1], values), prefix)}"
        case "union_tag_invalid" | "union_tag_not_found":
            tag = context.get("tag")
            kinds = [] if tag is None else re.findall(r"'([^']*)'", context["expected_tags"])
            kinds = kinds or _tags(schema, where[:-1], values)
            return f"{tag!r} is unknown; allowed: {', '.join(kinds)}{suggestion(str(tag), kinds)}"
        case "literal_error":
            choices = re.findall(r"'([^']*)'", context["expected"])
            return f"{value!r} is not one of {', '.join(choices)}{suggestion(str(value), choices)}"
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            bound = next(iter(context.values()))
            words = {"greater_than_equal": "at least", "less_than_equal": "at most"}.get(kind, kind.replace("_", " "))
            return f"{value} is out of range; allowed is {words} {bound:g}"
        case "model_type" | "dict_type" | "model_attributes_type":
            kinds = _tags(schema, where, values)
            advice = f"allowed: {', '.join(kinds)}" if kinds else f"give its settings as {key}.<setting>=…"
            return f"{value!r} is no group of settings; {advice}"
        case "too_short" | "too_long":
            wanted = context.get("min_length", context.get("max_length"))
            return f"{value} has {context['actual_length']} values; {wanted} are needed"
        case "list_type":
            return f"{value!r} is no list; give it as {key}=[{value}]"
    return _WORDS[kind].format(value=value) if kind in _WORDS else detail["msg"]


_WORDS = {
    "float_type": "{value!r} is no number",
    "float_parsing": "{value!r} is no number",
    "finite_number": "{value} is no finite number",
    "int_type": "{value!r} is no whole number",
    "int_from_float": "{value!r} is no whole number",
    "bool_type": "{value!r} is neither true nor false",
    "string_type": "{value!r} is no text",
}


def _members(annotation: Any) -> Iterator[type[Settings]]:
    """The models that an annotation allows, of unions and of a dictionary's values too."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for argument in get_args(annotation):
        yield from _members(argument)


def _schemas(schema: type[Settings], where: Location, values: Any) -> list[type[Settings]]:
    """The models that stand at a place of a config, those of its `name` where it has one."""
    candidates = [schema]
    for part in where:
        node = dict(values) if isinstance(values, Settings) else values
        values = node.get(part) if isinstance(node, Mapping) else None
        named = [model.model_fields[part] for model in candidates if part in model.model_fields]
        if not named:  # a key of a dictionary of models
            continue
        candidates = [member for field in named for member in _members(field.rebuild_annotation())]
    name = values.get("name") if isinstance(values, Mapping) else None
    return [model for model in candidates if name in _tags_of(model)] or candidates


def _names(schema: type[Settings], where: Location, values: Any) -> list[str]:
    return [name for model in _schemas(schema, where, values) for name in model.model_fields]


def _tags(schema: type[Settings], where: Location, values: Any) -> list[str]:
    return [tag for model in _schemas(schema, where, values) for tag in _tags_of(model)]


def _tags_of(model: type[Settings]) -> tuple[str, ...]:
    field = model.model_fields.get("name")
    return () if field is None else get_args(field.annotation)


def kinds(annotation: Any) -> tuple[str, ...]:
    """The names that tell the members of a discriminated union apart."""
    return tuple(tag for member in _members(annotation) for tag in _tags_of(member))


def as_union(annotation: Any, values: Mapping[str, Any]) -> Any:
    """Values typed as a member of a union, such as what a checkpoint says of its network. Raises `ValidationError`."""
    return TypeAdapter(annotation).validate_python(values)
