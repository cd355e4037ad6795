"""Reads JSON into dataclasses: camelCase keys, checked types, errors that name the field that is wrong."""

import re
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeAliasType, Union, cast, get_args, get_origin, get_type_hints

type JsonObject = dict[str, Any]


class JsonError(ValueError):
    """JSON that does not have the promised form; its text is meant for whoever wrote the JSON."""


def read[T](kind: type[T], value: object, where: str) -> T:
    """Return `value` as the dataclass `kind`, or raise a JsonError that starts with `where`."""
    if not isinstance(value, dict):
        raise JsonError(f"{where} must be an object, not {_spoken(value)}")
    hints = get_type_hints(kind)
    expected = {_camel_case(field.name): field for field in fields(cast("Any", kind))}
    unknown = sorted(set(value) - set(expected))
    if unknown:
        raise JsonError(f"{where} has no field {unknown[0]!r}; it has {', '.join(expected)}")
    arguments = {}
    for key, field in expected.items():
        if key in value:
            arguments[field.name] = _convert(hints[field.name], value[key], f"{where}.{key}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise JsonError(f"{where} needs the field {key!r}")
    return kind(**arguments)


def _convert(hint: object, value: object, where: str) -> object:
    if isinstance(hint, TypeAliasType):
        hint = hint.__value__
    if hint is Any:
        return value
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _convert_to_first(inner, value, where)
    if origin is Literal:
        if value not in inner:
            raise JsonError(f"{where} must be one of {', '.join(map(str, inner))}, not {value!r}")
        return value
    if isinstance(hint, type) and is_dataclass(hint):
        return read(hint, value, where)
    _require(origin or hint, value, where)
    if isinstance(value, list):
        return [_convert(inner[0], item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: _convert(inner[1], item, f"{where}.{key}") for key, item in value.items()}
    return value


def _require(plain: object, value: object, where: str) -> None:
    accepted: tuple[Any, ...] = (int, float) if plain is float else (plain,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and plain is not bool):
        raise JsonError(f"{where} must be {_NAMES.get(plain, plain)}, not {_spoken(value)}")


def _convert_to_first(hints: tuple[object, ...], value: object, where: str) -> object:
    if value is None and NoneType in hints:
        return None
    problems = []
    for hint in hints:
        if hint is not NoneType:
            try:
                return _convert(hint, value, where)
            except JsonError as problem:
                problems.append(str(problem))
    raise JsonError("; or ".join(problems))


_NAMES: dict[object, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def _spoken(value: object) -> str:
    return "null" if value is None else _NAMES[type(value)]


def _camel_case(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name).rstrip("_")
