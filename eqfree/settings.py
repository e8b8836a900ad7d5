"""The settings of a scenario: what there is, what was given, and what is wrong with it in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eqfree.documents import one_line, parse_toml, read_text
from eqfree.fields import short

__all__ = [
    "ScenarioSettings",
    "Setting",
    "SettingsGroup",
    "build_settings",
    "list_settings",
    "nearest",
    "parse_assignment",
    "read_config",
]


class SettingsGroup(BaseModel):
    """Settings that belong together: every field has a default, and a description that ends in its unit.

    Groups nest: a field ``road: Road = Road()`` makes the settings ``road.length``, ``road.cars``.

    Raises
    ------
    TypeError
        Where a class leaves out a default or a description.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            if field.is_required() or not field.description:
                raise TypeError(f"The setting `{name}` of {cls.__name__} needs a default and a description.")


class ScenarioSettings(SettingsGroup):
    """The settings of a scenario.

    Attributes
    ----------
    quick
        Dotted setting -> its value in the small version of the run.
    """

    quick: ClassVar[Mapping[str, Any]] = {}

    seed: int = Field(
        default=0, ge=0, lt=2**128, description="seed of every random number; the same seed, the same bits"
    )


S = TypeVar("S", bound=ScenarioSettings)

_LARGEST = 2**20  # bytes of a file of settings
_NAMED = 12  # settings that an error lists
_LONGEST = 500  # characters of an error
_DEEPEST = 16  # groups within each other


@dataclass(frozen=True)
class Setting:
    """One setting of a scenario, as a user meets it.

    Attributes
    ----------
    name
        Dotted.
    expected
        What it may be, in words.
    default
        A JSON value.
    meaning
        What it is, and its unit.
    """

    name: str
    expected: str
    default: Any
    meaning: str


def list_settings(settings: type[ScenarioSettings]) -> list[Setting]:
    """All settings of a scenario, groups opened.

    >>> list_settings(ScenarioSettings)[0].expected
    'an integer >= 0 and < 2**128'
    """
    defaults = settings().model_dump(mode="json")
    return [
        Setting(name, _expected(schema), reduce(getitem, name.split("."), defaults), schema["description"])
        for name, schema in _leaves(_schema(settings)).items()
    ]


def read_config(path: Path) -> dict[str, Any]:
    """The settings in a TOML file, not yet checked.

    Raises
    ------
    ValueError
        If the file cannot be read, is larger than 1 MiB, or is no TOML.

    Examples
    --------
    >>> read_config(Path("nowhere.toml"))
    Traceback (most recent call last):
    ValueError: `--config` must name a TOML file of settings: got 'nowhere.toml' (No such file or directory). ...
    """
    try:
        return parse_toml(read_text(path, _LARGEST))
    except ValueError as error:
        raise ValueError(
            f"`--config` must name a TOML file of settings: got {short(str(path))} ({error}). An earlier run's "
            "settings.toml is one."
        ) from error


def parse_assignment(text: str, settings: type[ScenarioSettings]) -> dict[str, Any]:
    """What ``--set KEY=VALUE`` says: the dotted setting and its value.

    The value is read as TOML where it can be, else it is a string; a list may be written ``10,20``.

    Raises
    ------
    ValueError
        If there is no ``=``.

    Examples
    --------
    >>> parse_assignment("seed=7", ScenarioSettings)
    {'seed': 7}
    """
    name, equals, value = text.partition("=")
    name, value = name.strip(), value.strip()
    if not (name and equals):
        raise ValueError(f"A setting must be given as KEY=VALUE, such as seed=1: got {short(text)}.")
    schema = _leaves(_schema(settings)).get(name, {})
    return {name: _read_value(value, {option.get("type") for option in _options(schema)})}


def nearest(name: str, names: Iterable[str], otherwise: str) -> str:
    """A hint at the name that was meant.

    >>> nearest("sed", ["seed"], otherwise="There is no such name.")
    'Did you mean `seed`?'
    """
    matches = get_close_matches(name, list(names), n=1)
    return f"Did you mean `{matches[0]}`?" if matches else otherwise


def build_settings(settings: type[S], *layers: Mapping[str, Any], scenario: str) -> S:
    """The settings of a run: defaults, then each layer over the one before it.

    A layer maps settings to values, nested or dotted; ``scenario`` is the name that an error shows.

    Raises
    ------
    ValueError
        In one line: which setting, what was expected, what was given, what to do.

    Examples
    --------
    >>> build_settings(ScenarioSettings, {"seed": 1}, {"seed": 2}, scenario="traffic").seed
    2
    """
    given: dict[str, Any] = {}
    for layer in layers:
        _merge(given, layer)
    try:
        return settings.model_validate(given)
    except ValidationError as error:
        raise ValueError(one_line(_in_one_line(error, _schema(settings), given, scenario), _LONGEST)) from None


def _merge(given: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for key, value in layer.items():
        if key.count(".") > _DEEPEST:
            raise ValueError(f"A setting lies in at most {_DEEPEST} groups: got {short(key)}.")
        head, dot, rest = key.partition(".")
        if dot:
            value = {rest: value}
        if isinstance(value, Mapping):
            group = given.get(head)
            given[head] = dict(group) if isinstance(group, Mapping) else {}
            _merge(given[head], value)
        else:
            given[head] = value


def _read_value(text: str, types: set[str | None]) -> Any:
    value = _read_toml(text)
    if isinstance(value, list):
        return value
    if "array" in types and ("," in text or types <= {"array"}):
        return [_read_toml(part.strip()) for part in text.split(",")]
    return text if types == {"string"} and not isinstance(value, str) else value


def _read_toml(text: str) -> Any:
    try:
        document = parse_toml(f"value = {text}")
    except ValueError:
        return text
    return document["value"] if len(document) == 1 else text


def _in_one_line(error: ValidationError, schema: _Schema, given: Mapping[str, Any], scenario: str) -> str:
    wrong: dict[tuple[Any, ...], Any] = {}
    for detail in error.errors(include_url=False):
        unknown = detail["type"] == "extra_forbidden"
        wrong.setdefault(detail["loc"] if unknown else _descend(schema, detail["loc"])[0], detail)
    first, *more = wrong.values()
    return _sentence(first, schema, given, scenario) + (f" (and {len(more)} more)" if more else "")


def _sentence(detail: Mapping[str, Any], schema: _Schema, given: Mapping[str, Any], scenario: str) -> str:
    if detail["type"] == "extra_forbidden":
        return _unknown_setting(".".join(map(str, detail["loc"])), scenario, schema)
    path, found, meaning = _descend(schema, detail["loc"])
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    if "error" in detail.get("ctx", {}):  # raised by a validator, which says all there is to say
        return (f"`{name}`: " if name else "") + str(detail["ctx"]["error"])
    return (
        f"`{name}` must be {_expected(found)} ({meaning}): got {short(_value_at(given, path, detail))}. "
        f"`eqfree run {scenario} --help` lists the settings."
    )


def _unknown_setting(name: str, scenario: str, schema: _Schema) -> str:
    known = list(_leaves(schema))
    hint = nearest(name, known, otherwise=f"`eqfree run {scenario} --help` explains them.")
    names, rest = ", ".join(known[:_NAMED]), len(known) - _NAMED
    more = f" or {rest} more" if rest > 0 else ""
    return f"A setting of {scenario} must be one of {names}{more}: got {short(name)}. {hint}"


def _value_at(given: Mapping[str, Any], path: tuple[Any, ...], detail: Mapping[str, Any]) -> Any:
    try:
        return reduce(getitem, path, given)
    except (LookupError, TypeError):
        return detail["input"]


# --- the JSON schema of the settings, in words -----------------------------------------------------------------------

_Schema: TypeAlias = dict[str, Any]

_NOUNS = {
    "integer": ("an integer", "integers"),
    "number": ("a number", "numbers"),
    "boolean": ("true or false", "true or false"),
    "string": ("text", "texts"),
    "path": ("a path", "paths"),
    "array": ("a list", "lists"),
    "object": ("a table", "tables"),
}
_BOUNDS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}


@cache
def _schema(settings: type[ScenarioSettings]) -> _Schema:
    whole = settings.model_json_schema()
    definitions = whole.pop("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, list):
            return [inline(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            node = definitions[node["$ref"].rpartition("/")[2]] | {k: v for k, v in node.items() if k != "$ref"}
        return {key: inline(item) for key, item in node.items()}

    return cast(_Schema, inline(whole))


def _leaves(schema: _Schema, prefix: str = "") -> dict[str, _Schema]:
    leaves: dict[str, _Schema] = {}
    for name, item in schema["properties"].items():
        if "properties" in item:
            leaves |= _leaves(item, f"{prefix}{name}.")
        else:
            leaves[prefix + name] = item
    return leaves


def _options(schema: _Schema) -> list[_Schema]:
    return [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]


def _descend(schema: _Schema, loc: tuple[int | str, ...]) -> tuple[tuple[Any, ...], _Schema, str]:
    """As far along ``loc`` as the schema has one alternative: the path, the schema there, what it means."""
    path: tuple[Any, ...] = ()
    meaning = ""
    for part in loc:
        only, *others = _options(schema)
        member = _member(only, part)
        if others or member is None:
            break
        schema, path = member, (*path, part)
        meaning = schema.get("description", meaning)
    return path, schema, meaning


def _member(schema: _Schema, part: int | str) -> _Schema | None:
    if isinstance(part, int):
        return schema["prefixItems"][part] if "prefixItems" in schema else schema.get("items")
    return schema.get("properties", {}).get(part) or schema.get("additionalProperties") or None


def _expected(schema: _Schema, many: bool = False) -> str:
    return " or ".join(_in_words(option, many) for option in _options(schema))


def _in_words(schema: _Schema, many: bool) -> str:
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if values:
        return ("one of " if len(values) > 1 else "") + ", ".join(map(str, values))
    kind = "path" if schema.get("format") == "path" else schema.get("type")
    if kind not in _NOUNS:
        return "a value"
    words = _NOUNS[kind][many]
    if "prefixItems" in schema:
        return f"{words} ({', '.join(_expected(item) for item in schema['prefixItems'])})"
    if "items" in schema:
        words += f" of {_expected(schema['items'], many=True)}"
    if "minItems" in schema:
        words += f", at least {schema['minItems']}"
    if schema.get("additionalProperties"):
        words += f" of {_expected(schema['additionalProperties'], many=True)}"
    if "properties" in schema:
        words += f" of {', '.join(schema['properties'])}"
    bounds = [f"{sign} {_bound(schema[key])}" for key, sign in _BOUNDS.items() if key in schema]
    return " ".join([words, " and ".join(bounds)]).strip()


def _bound(value: float) -> str:
    power = int(value).bit_length() - 1
    return f"2**{power}" if power > 53 and value == 2**power else f"{value:g}"
