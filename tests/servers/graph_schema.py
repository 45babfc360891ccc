"""Whether requests and answers are as Microsoft describes them (OpenAPI of Graph v1.0).

The description is not shipped with the project; where it is missing, nothing is validated and
`missing()` says so. Paths that it does not describe are listed here one by one; any other is a
violation.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
import yaml

from tests.servers.https import Answer, Request

FILE = Path(__file__).parents[3] / "shared/data/schema/graph/graph-mail-openapi.yaml"

# Documented by Microsoft, and not in the description at hand.
BESIDE = (
    ("POST", re.compile(r"/\$batch")),
    ("GET", re.compile(r"/users/[^/]+/outlook/masterCategories")),
    ("POST", re.compile(r"/users/[^/]+/outlook/masterCategories")),
    ("GET", re.compile(r"/users/[^/]+/calendars")),
    ("GET", re.compile(r"/users/[^/]+/calendars/[^/]+/events")),
    ("GET", re.compile(r"/users/[^/]+/events")),
    ("GET", re.compile(r"/users/[^/]+/events/[^/]+")),
    ("DELETE", re.compile(r"/users/[^/]+/events/[^/]+")),
    ("POST", re.compile(r"/users/[^/]+/events/[^/]+/permanentDelete")),
    ("GET", re.compile(r"/users/[^/]+/mailboxSettings")),
)
# Query options that the description lacks and the documentation has.
_FURTHER_OPTIONS = {"$deltatoken", "$skiptoken", "changeType", "includeHiddenFolders", "$count"}


@dataclass
class Totals:
    """What was looked at in this process, and what was found wrong."""

    requests: int = 0
    answers: int = 0
    beside: int = 0
    violations: list[str] = field(default_factory=list)


TOTALS = Totals()


def missing() -> str:
    """Why nothing can be validated here; empty if it can."""
    return "" if FILE.is_file() else f"there is no {FILE.name} beside this checkout"


class Contract:
    """Validates each call of a server; violations are kept, here and in `TOTALS`.

    ours: whether the requests are ours; those of other clients are not looked at.
    """

    def __init__(self, ours: bool = True) -> None:
        self.violations: list[str] = []
        self._ours = ours
        self._document = None if missing() else _document()

    def request(self, request: Request, path: str) -> None:
        """A request of a client; `path` below the version."""
        if self._document is None or not self._ours:
            return
        operation = self._operation(request.method, path)
        if operation is None:
            return
        TOTALS.requests += 1
        for wrong in self._wrong_request(operation, request):
            self._violation(f"{request.method} {_shape(path)}: {wrong}")

    def answer(self, request: Request, path: str, answer: Answer) -> None:
        """What the server answered."""
        if self._document is None or answer.cut is not None:
            return
        found = _find(request.method, path)
        if found is None:
            return
        operation, _parameters = found
        TOTALS.answers += 1
        responses = operation["responses"]
        described = responses.get(str(answer.status))
        if described is None and 400 <= answer.status < 600:
            described = responses["4XX"]  # Graph's servers answer 5xx in the same form
        if described is None:
            self._violation(f"answer {answer.status} to {request.method} {_shape(path)}")
            return
        content = _resolved(described).get("content", {})
        if "application/json" in content and answer.body:
            document = json.loads(answer.body)
            for wrong in _faults(content["application/json"]["schema"], document):
                self._violation(f"answer to {request.method} {_shape(path)}: {wrong}")

    def _operation(self, method: str, path: str) -> tuple[dict[str, Any], list[Any]] | None:
        if any(method == verb and form.fullmatch(path) for verb, form in BESIDE):
            TOTALS.beside += 1
            return None
        found = _find(method, path)
        if found is None:
            self._violation(f"{method} {_shape(path)}: there is no such operation")
        return found

    def _wrong_request(
        self, operation: tuple[dict[str, Any], list[Any]], request: Request
    ) -> Iterator[str]:
        described, parameters = operation
        known = {one["name"]: one for one in parameters if one["in"] == "query"}
        for name, value in parse_qsl(request.query, keep_blank_values=True):
            option = name if name in known else f"${name}"
            if name in _FURTHER_OPTIONS or (name in ("$select", "$top") and option not in known):
                continue  # (delta knows both, and the description forgets them)
            if name not in known and option not in known:
                yield f"unknown option {name}"
                continue
            schema = known.get(name, known.get(option, {})).get("schema", {})
            allowed = schema.get("items", {}).get("enum")
            if allowed and name in ("$select", "$orderby"):
                yield from (f"{name} of {one}" for one in value.split(",") if one not in allowed)
        body = described.get("requestBody")
        kind = request.headers.get("content-type", "").partition(";")[0]
        if body and request.body and kind == "application/json":
            schema = _resolved(body)["content"]["application/json"]["schema"]
            yield from _faults(schema, json.loads(request.body))
        elif request.body and not body and request.body != b"{}":
            yield "a body where there is none"

    def _violation(self, text: str) -> None:
        self.violations.append(text)
        TOTALS.violations.append(text)


def _shape(path: str) -> str:
    """A path without ids and addresses."""
    return re.sub(r"/[^/]{25,}|(?<=/users/)[^/]+", "/…", path)


def _faults(schema: Mapping[str, Any], document: object) -> Iterator[str]:
    for error in _validator(json.dumps(schema, sort_keys=True)).iter_errors(document):
        yield f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message[:200]}"


@functools.cache
def _document() -> dict[str, Any]:
    loaded = yaml.load(FILE.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    made = _nullable(loaded)
    assert isinstance(made, dict)
    return made


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema has it."""
    if isinstance(node, list):
        return [_nullable(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: _nullable(value) for key, value in node.items() if key != "nullable"}
    if node.get("nullable") is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made


@functools.cache
def _validator(schema: str) -> jsonschema.protocols.Validator:
    whole = {**json.loads(schema), "components": _document()["components"]}
    return jsonschema.Draft202012Validator(whole)


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    found: Any = _document()
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


@functools.cache
def _templates() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Paths with what they may do; those with fewer placeholders first."""
    paths = sorted(_document()["paths"].items(), key=lambda pair: pair[0].count("{"))
    return [
        (re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)), re.I), operations)
        for path, operations in paths
    ]


def _find(method: str, path: str) -> tuple[dict[str, Any], list[Any]] | None:
    for form, operations in _templates():
        if form.fullmatch(path) and method.lower() in operations:
            operation = operations[method.lower()]
            shared = operations.get("parameters", [])
            parameters = [_resolved(one) for one in (*shared, *operation.get("parameters", []))]
            return operation, parameters
    return None
