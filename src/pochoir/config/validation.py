"""From plain values to typed settings, with every problem in one message."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar, get_args

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pochoir.errors import ConfigError, suggestion

Schema = TypeVar("Schema", bound=BaseModel)
Location = tuple[str | int, ...]
UNKNOWN = "unknown setting"
SHAPES = ("dict_type", "list_type")
"""Types of errors of values that are no group, or no list."""
PROBLEMS = "pochoir_problems"
"""Type of the error that carries what a model's own `problems()` say."""


class Problem(NamedTuple):
    """What is wrong with a setting."""

    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.key}: {self.what}" if self.key else self.what

    def is_unknown(self) -> bool:
        """Whether there is no such setting, whatever its value."""
        return self.what.startswith(UNKNOWN)

    def lies_in(self, sections: Iterable[str]) -> bool:
        """Whether it is of one of these settings, or of one within."""
        return any(self.key == section or self.key.startswith(f"{section}.") for section in sections)


def checked(schema: type[Schema], values: Mapping[str, Any]) -> Schema:
    """The typed settings of some values; raises one `ConfigError` that lists all that is wrong with them."""
    settings, problems = typed(schema, values)
    if settings is None:
        raise ConfigError(listed(problems))
    return settings


def typed(schema: type[Schema], values: Mapping[str, Any]) -> tuple[Schema | None, list[Problem]]:
    """The typed settings (None where the values are wrong), and what is wrong."""
    try:
        return schema.model_validate(values), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems: dict[str, Problem] = {}
    wrong: set[Location] = set()
    # the others come below, with those of sections that hold wrong values besides
    located = [(detail, _location(detail, values)) for detail in details if detail["type"] != PROBLEMS]
    for detail, where in sorted(located, key=lambda pair: pair[0]["type"] in SHAPES):
        key = _key(where)
        wrong.add(tuple(takewhile(lambda part: isinstance(part, str), where)))
        # of a union's members, the first to refuse a value speaks for all, and one that is of its shape before others
        if detail["type"] not in SHAPES or not any(Problem(known, "").lies_in([key]) for known in problems):
            problems.setdefault(key, Problem(key, _reason(detail, where, schema, values)))
    beside: list[Problem] = []
    _as_far_as_sound(schema, (), values, values, wrong, beside)
    return None, [*problems.values(), *beside]


def listed(problems: Sequence[Problem]) -> str:
    """Problems as one message."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"{count} in the settings:\n" + "\n".join(f"  - {problem}" for problem in problems)


def problems_of(settings: Iterable[str], where: Location = ()) -> list[Problem]:
    """Messages of a model, which begin with a field's name, as problems of the whole config."""
    parts = [message.partition(": ") for message in settings]
    return [Problem(_key((*where, name)), what) for name, _, what in parts]


def _as_far_as_sound(
    schema: type[BaseModel],
    where: Location,
    node: Any,
    values: Mapping[str, Any],
    wrong: set[Location],
    problems: list[Problem],
) -> Any:
    """A section without its wrong values; adds what can be said of settings that exclude each other without these.

    Raises `LookupError` for what is wrong itself.
    """
    models = _schemas(schema, where, values)
    if not isinstance(node, Mapping) or len(models) != 1:
        if any(place[: len(where)] == where for place in wrong):
            raise LookupError
        return node
    sound: dict[str, Any] = {}
    for name, value in node.items():
        with suppress(LookupError):
            sound[name] = _as_far_as_sound(schema, (*where, name), value, values, wrong, problems)
    section: Any = models[0].model_construct(**sound)
    messages: list[str] = []
    with suppress(AttributeError):  # one of the wrong values is asked for
        messages.extend(section.problems())
    problems += problems_of(messages, where)
    return section


def plain(config: DictConfig) -> tuple[dict[str, Any], list[str], list[Problem]]:
    """A composed config as plain values, with interpolations resolved; keys that nobody gave (`???`), which are absent;
    and problems of interpolations.
    """
    missing: list[str] = []
    problems: list[Problem] = []
    return _plain(config, "", missing, problems), missing, problems


def _plain(node: Any, prefix: str, missing: list[str], problems: list[Problem]) -> Any:
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
            problems.append(Problem(key, str(error).splitlines()[0]))
    return values


def _location(detail: ErrorDetails, values: Any) -> Location:
    """Where a problem is, in terms of the config: without pydantic's names of the members of unions."""
    where: list[str | int] = []
    node = values
    for place, part in enumerate(detail["loc"]):
        last = place == len(detail["loc"]) - 1
        if isinstance(node, BaseModel):
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


def _reason(detail: ErrorDetails, where: Location, schema: type[BaseModel], values: Any) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    key = _key(where)
    match kind:
        case "missing":
            told = f"missing; give it as {key}=…"
        case "extra_forbidden":
            prefix = "".join(f"{part}." for part in where[:-1])
            told = f"{UNKNOWN}{suggestion(str(where[-1]), _names(schema, where[:-1], values), prefix)}"
        case "union_tag_invalid" | "union_tag_not_found":
            tag, kinds = context.get("tag"), _tags(schema, where[:-1], values)
            told = f"{tag!r} is unknown; allowed: {', '.join(kinds)}{suggestion(str(tag), kinds)}"
        case "literal_error":
            choices = re.findall(r"'([^']*)'", context["expected"])
            told = f"{value!r} is not one of {', '.join(choices)}{suggestion(str(value), choices)}"
        case "greater_than_equal" | "less_than_equal":
            bound = next(iter(context.values()))
            words = "at least" if kind == "greater_than_equal" else "at most"
            beyond = f"out of range; allowed is {words} {bound:.10g}"
            told = f"{value} is {'no finite number' if math.isnan(value) else beyond}"
        case "model_type" | "dict_type" | "model_attributes_type":
            kinds = _tags(schema, where, values)
            advice = f"allowed: {', '.join(kinds)}" if kinds else f"give its settings as {key}.<setting>=…"
            told = f"{value!r} is no group of settings; {advice}"
        case "too_short" | "too_long":
            wanted = f"at least {context['min_length']}" if kind == "too_short" else f"at most {context['max_length']}"
            told = f"{value} has {context['actual_length']} values; allowed are {wanted}"
        case "string_too_short":
            told = f"has {len(value)} letters; at least {context['min_length']} are needed"
        case "list_type":
            alone = key.rpartition(".")[2] in ("point", "box")
            told = f"{value!r} is no list; give it as {key}=[{value}{',…' if alone else ''}]"
        case _:
            told = _WORDS[kind].format(value=value) if kind in _WORDS else detail["msg"]
    return told


_WORDS = {
    "float_type": "{value!r} is no number",
    "float_parsing": "{value!r} is no number",
    "finite_number": "{value} is no finite number",
    "int_type": "{value!r} is no whole number",
    "int_from_float": "{value!r} is no whole number",
    "bool_type": "{value!r} is neither true nor false",
    "string_type": "{value!r} is no text",
}


def _members(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation allows, of unions and of a dictionary's values too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _members(argument)


def _schemas(schema: type[BaseModel], where: Location, values: Any) -> list[type[BaseModel]]:
    """The models that stand at a place of a config, those of its `name` where it has one."""
    candidates = [schema]
    for part in where:
        node = dict(values) if isinstance(values, BaseModel) else values
        values = node.get(part) if isinstance(node, Mapping) else None
        named = [model.model_fields[part] for model in candidates if part in model.model_fields]
        if not named:  # a key of a dictionary of models
            continue
        candidates = [member for field in named for member in _members(field.rebuild_annotation())]
    name = values.get("name") if isinstance(values, Mapping) else None
    return [model for model in candidates if name in _tags_of(model)] or candidates


def _names(schema: type[BaseModel], where: Location, values: Any) -> list[str]:
    return [name for model in _schemas(schema, where, values) for name in model.model_fields]


def _tags(schema: type[BaseModel], where: Location, values: Any) -> list[str]:
    return [tag for model in _schemas(schema, where, values) for tag in _tags_of(model)]


def _tags_of(model: type[BaseModel]) -> tuple[str, ...]:
    field = model.model_fields.get("name")
    return () if field is None else get_args(field.annotation)


def has_kinds(schema: type[BaseModel], name: str) -> bool:
    """Whether a group's choice decides which settings there are in it."""
    field = schema.model_fields.get(name)
    return field is not None and len(list(_members(field.annotation))) > 1


def as_union(annotation: Any, values: Mapping[str, Any] | BaseModel) -> Any:
    """Values typed as a member of a union, such as what a checkpoint says of its network. Raises `ValidationError`."""
    return TypeAdapter(annotation).validate_python(values)
