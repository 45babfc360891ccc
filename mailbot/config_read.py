"""From a TOML file to a model, with every fault by key and in plain words, never with its value."""

import copy
import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mailbot.errors import Problem

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]

_LARGEST = 5_000_000  # octets
_ROUNDS = 20
_AT = re.compile(r"^(.*) \(at (line \d+, column \d+|end of document)\)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Checked(Generic[Model]):
    """What came of a document: the model without its faulty parts, the faults, where they stand.

    `model` is None where nothing could be saved. It exists so that the logical checks can report
    their faults together with these; a configuration with any fault is never used.
    """

    model: Model | None
    problems: tuple[Problem, ...] = ()
    faulty: tuple[Location, ...] = ()


def read_toml(path: Path, name: str) -> dict[str, Any] | Problem:
    """The document of a TOML file, or why there is none. `name` is what the fault calls it."""
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= _LARGEST else b""
    except FileNotFoundError:
        return Problem(
            name,
            "there is no such file",
            "write it (the shipped config folder is a model) or name it",
        )
    except OSError:
        return Problem(name, "cannot be read", "make it a file that mailbot's user may read")
    if size > _LARGEST:
        return Problem(name, "is too large for a configuration", "name the right file")
    try:
        # Notepad on Windows begins a file with a byte order mark, which TOML does not know.
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(f"{name}: line {line}", "is not UTF-8", "save the file as UTF-8")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = _AT.match(str(error))
        what, place = (found.group(1), found.group(2)) if found else ("too deeply nested", "")
        return Problem(
            f"{name}: {place}" if place else name,
            f"is not TOML: {what[:1].lower()}{what[1:]}",
            'mend it: text stands in "quotes", lists in [brackets], key = value on one line',
        )


def check(model: type[Model], document: Mapping[str, Any], name: str) -> Checked[Model]:
    """A document as a model. Every key of the wrong name, type or value is a Problem."""
    rest = copy.deepcopy(dict(document))
    problems: tuple[Problem, ...] = ()
    faulty: list[Location] = []
    for _ in range(_ROUNDS):
        try:
            return Checked(model.model_validate(rest), problems, tuple(faulty))
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            # Later rounds only see what taking the faulty parts out has left behind.
            problems = problems or tuple(
                _problem(model, detail, name) for detail in details if not _echo(detail, details)
            )
            faulty += [_take_out(rest, detail) for detail in details]
    return Checked(None, problems, tuple(faulty))


def related(one: Location, other: Location) -> bool:
    """Whether one place lies within the other, or they are the same."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def key_of(location: Location) -> str:
    """A place in a document as a person writes it: mailbox[0].imap.port."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _echo(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """A list is called too short when merely its entries are faulty: that is said already."""
    return detail["type"] == "too_short" and any(
        other["loc"] != detail["loc"] and related(other["loc"], detail["loc"]) for other in details
    )


def _problem(model: type[BaseModel], detail: ErrorDetails, name: str) -> Problem:
    location = tuple(part for part in detail["loc"] if part != "[key]")
    what, remedy = _words(model, location, detail)
    return Problem(f"{name}: {key_of(location)}" if location else name, what, remedy)


def _words(model: type[BaseModel], location: Location, detail: ErrorDetails) -> tuple[str, str]:
    context: Mapping[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case "mailbot":
            return str(context["what"]), str(context["remedy"])
        case "missing":
            return "is missing", "add it"
        case "extra_forbidden":
            return "is not a key that mailbot knows", _suggestion(model, location)
        case "literal_error":
            return "has a value that mailbot does not know", f"write {context.get('expected', '')}"
        case "too_short" | "string_too_short":
            return "is empty", "give at least one"
        case "greater_than_equal":
            return "is too small", f"write {context['ge']} or more"
        case "less_than_equal":
            return "is too large", f"write {context['le']} or less"
        case "value_error":
            return str(context.get("error", "has a wrong value")), "see the commented example"
        case kind:
            return _TYPES.get(kind.rpartition("_")[0], "is of the wrong type"), _FORMS.get(
                kind.rpartition("_")[0], "see the commented example"
            )


_TYPES = {
    "string": "must be text",
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "tuple": "must be a list",
    "dict": "must be a table",
    "model": "must be a table",
    "model_attributes": "must be a table",
}
_FORMS = {
    "string": 'write it in "quotes"',
    "int": "write digits without quotes",
    "float": "write digits without quotes",
    "bool": "write true or false without quotes",
    "tuple": "write it in [brackets]; a list of tables as [[NAME]]",
    "dict": "write it as [NAME] or { key = value }",
    "model": "write it as [NAME] or { key = value }",
    "model_attributes": "write it as [NAME] or { key = value }",
}


def _suggestion(model: type[BaseModel], location: Location) -> str:
    parent, key = _model_at(model, location[:-1]), str(location[-1])
    if parent is None:
        return "remove it"
    known = sorted(field.alias or name for name, field in parent.model_fields.items())
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.7)
    if near:
        return f"did you mean {near[0]}?"
    return "remove it; known here: " + ", ".join(known)


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model whose table stands at a place of the document."""
    here = model
    for part in location:
        field = next((f for n, f in here.model_fields.items() if part in (n, f.alias)), None)
        if isinstance(part, int) or field is None:
            continue  # the place in a list, or a name that the writer chose: already looked through
        inner = next(_models_in(field.annotation), None)
        if inner is None:
            return None
        here = inner
    return here


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _take_out(document: dict[str, Any], detail: ErrorDetails) -> Location:
    """Remove what is faulty, or what cannot be without what is missing; returns its place.

    A list whose entry cannot stay goes as a whole: the numbers of the others must not change.
    """
    location = tuple(part for part in detail["loc"] if part != "[key]")
    if detail["type"] == "missing":
        location = location[:-1]
    while location and isinstance(location[-1], int):
        location = location[:-1]
    parent: Any = document
    for part in location[:-1]:
        try:
            parent = parent[part]
        except (KeyError, IndexError, TypeError):
            return location  # gone already with a part around it
    if location and isinstance(parent, dict):
        parent.pop(location[-1], None)
    return location
