"""Values to JSON and back, exactly: what is stored is what is read.

The frozen values of `message`, `case`, `record`, `plan` and `ports` are written by what they are
and read by what their class declares. JSON has few types, so a union may hold at most one member
per JSON type: that is what keeps 1, "1", True, 1.0 and a `Typed` value apart. Anything that would
not come back the same (a naive time, NaN, a key that is no text) is refused when it is written.

Errors name the place ("Mail.sender.address"), never the value: values are personal data.
"""

import base64
import binascii
import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

from mailbot.errors import Permanent

T = TypeVar("T")
Json = Any  # None, bool, int, float, str, list or dict of these
Reader = Callable[[object, str], object]  # (JSON, place) -> value


def to_json(value: object) -> Json:
    """A value as JSON-able data. Raises Permanent for what JSON could not give back the same."""
    return _write(value, type(value).__name__)


def from_json(cls: type[T], data: object) -> T:
    """The value of class `cls` (also `tuple[Finding, ...]` and the like) that `to_json` wrote.

    A missing field takes its default, so that values may gain fields. Raises Permanent for an
    unknown field (written by a newer version: reading on would lose it) and for any other misfit.
    """
    return cast(T, _reader(cast(Any, cls))(data, getattr(cls, "__name__", "value")))


def _write(value: object, place: str) -> Json:
    match value:
        case None | bool():
            return value
        case Enum():
            return _write(value.value, place)
        case str():
            return str(value)
        case int():
            return int(value)
        case float():
            if not math.isfinite(value):
                raise Permanent(f"{place}: a number that is not finite cannot be stored")
            return float(value)
        case datetime():
            if value.utcoffset() is None:
                raise Permanent(f"{place}: a time without its zone cannot be stored")
            return value.isoformat()
        case date():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode("ascii")
    return _write_many(value, place)


def _write_many(value: object, place: str) -> Json:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _write(getattr(value, field.name), f"{place}.{field.name}")
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise Permanent(f"{place}: only text can be a key")
        return {str(name): _write(item, f"{place}[]") for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_write(item, f"{place}[]") for item in value]
    raise Permanent(f"{place}: a {type(value).__name__} cannot be stored as JSON")


def _misfit(place: str, wanted: str, data: object) -> Permanent:
    return Permanent(f"{place}: expected {wanted}, found {type(data).__name__}")


def _exactly(kind: type, data: object, place: str) -> object:
    # type(), not isinstance(): True must never pass for 1.
    if type(data) is not kind:
        raise _misfit(place, kind.__name__, data)
    return data


def _read_float(data: object, place: str) -> float:
    if type(data) not in (int, float):
        raise _misfit(place, "float", data)
    return float(cast(float, data))


def _read_text(kind: type, parse: Callable[[str], object], data: object, place: str) -> object:
    try:
        return parse(cast(str, _exactly(str, data, place)))
    except (ValueError, binascii.Error):
        # The cause would quote the value.
        raise Permanent(f"{place}: the text is no {kind.__name__}") from None


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError
    return moment


def _unbase64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_TEXTS: dict[type, Callable[[str], object]] = {
    datetime: _aware,
    date: date.fromisoformat,
    bytes: _unbase64,
}


@cache
def _reader(kind: Any) -> Reader:
    """How to read one declared type. Raises TypeError for a declaration that cannot be exact."""
    if kind is None:
        kind = types.NoneType
    if kind in (Any, object):
        return lambda data, place: data
    if kind in (types.NoneType, bool, int, str):
        return lambda data, place: data if type(data) is kind else _exactly(kind, data, place)
    if kind is float:
        return _read_float
    if kind in _TEXTS:
        return lambda data, place: _read_text(kind, _TEXTS[kind], data, place)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda data, place: _read_text(kind, kind, data, place)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return lambda data, place: _read_dataclass(kind, data, place)
    return _generic_reader(typing.get_origin(kind) or kind, typing.get_args(kind))


def _generic_reader(origin: Any, arguments: tuple[Any, ...]) -> Reader:
    if origin in (typing.Union, types.UnionType):
        return _union_reader(arguments)
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return lambda data, place: _read_fixed(arguments, data, place)
    item = arguments[0] if arguments else object
    if isinstance(origin, type) and issubclass(origin, Mapping):
        value = arguments[1] if arguments else object
        return lambda data, place: _read_mapping(value, data, place)
    if origin is list:
        return lambda data, place: list(_read_items(item, data, place))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        # (Most are empty, and soon read.)
        return lambda data, place: tuple(_read_items(item, data, place)) if data != [] else ()
    raise TypeError(f"values of type {origin} cannot be read from JSON")


def _read_items(item: Any, data: object, place: str) -> list[object]:
    read = _reader(item)
    return [read(each, f"{place}[]") for each in cast(list[object], _exactly(list, data, place))]


def _read_fixed(items: tuple[Any, ...], data: object, place: str) -> tuple[object, ...]:
    found = cast(list[object], _exactly(list, data, place))
    if len(found) != len(items):
        raise Permanent(f"{place}: expected {len(items)} items, found {len(found)}")
    return tuple(_reader(item)(each, f"{place}[]") for item, each in zip(items, found, strict=True))


def _read_mapping(value: Any, data: object, place: str) -> dict[str, object]:
    read = _reader(value)
    found = cast(dict[str, object], _exactly(dict, data, place))
    return {name: read(each, f"{place}[]") for name, each in found.items()}


@cache
def _fields(kind: type) -> Mapping[str, Reader]:
    hints = typing.get_type_hints(kind)
    return {
        field.name: _reader(hints[field.name])
        for field in dataclasses.fields(cast(Any, kind))
        if field.init
    }


def _read_dataclass(kind: type, data: object, place: str) -> object:
    found = cast(dict[str, object], _exactly(dict, data, place))
    fields = _fields(kind)
    if found.keys() - fields.keys():
        raise Permanent(f"{place}: holds a field that this version of mailbot does not know")
    given = {name: fields[name](each, f"{place}.{name}") for name, each in found.items()}
    try:
        return kind(**given)
    except TypeError:
        raise Permanent(f"{place}: a field without a default is missing") from None


def _json_type(kind: Any) -> type:
    """The JSON type that a declared type is written as."""
    if kind is types.NoneType or kind in (bool, int, float, str):
        return cast(type, kind)
    if kind in _TEXTS or (isinstance(kind, type) and issubclass(kind, Enum)):
        return str
    origin = typing.get_origin(kind) or kind
    if dataclasses.is_dataclass(kind) or issubclass(origin, Mapping):
        return dict
    return list


def _union_reader(members: tuple[Any, ...]) -> Reader:
    readers: dict[type, Reader] = {}
    for member in members:
        kind = _json_type(member)
        if kind in readers:
            raise TypeError("two members of a union look the same in JSON")
        readers[kind] = _reader(member)

    def read(data: object, place: str) -> object:
        reader = readers.get(type(data))
        if reader is None and type(data) is int:
            reader = readers.get(float)
        if reader is None:
            raise _misfit(place, " or ".join(kind.__name__ for kind in readers), data)
        return reader(data, place)

    return read
