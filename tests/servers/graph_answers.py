"""Answers in Graph's form: documents, pages, errors."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.servers.https import Answer


def as_json(status: int, document: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a document."""
    return Answer(
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
        body=json.dumps(document).encode(),
    )


class Refused(Exception):
    """An error as Graph words it."""

    def __init__(self, status: int, code: str, message: str, retry_after: str = "") -> None:
        super().__init__(code)
        headers = {"Retry-After": retry_after} if retry_after else {}
        self.answer = as_json(status, {"error": {"code": code, "message": message}}, headers)


def chosen(document: dict[str, Any], select: str) -> dict[str, Any]:
    """Only the properties asked for; the id always comes along."""
    if not select:
        return document
    wanted = {*select.split(","), "id"}
    return {name: value for name, value in document.items()
            if name in wanted or name.startswith("@")}  # fmt: skip


def page(
    base: str,
    path: str,
    query: Mapping[str, str],
    documents: Sequence[dict[str, Any]],
    start: int,
    size: int,
) -> Answer:
    """One page of a collection, with a link to the next."""
    from urllib.parse import quote, urlencode

    made: dict[str, Any] = {"value": list(documents[start : start + size])}
    if start + size < len(documents):
        further = {**query, "$skiptoken": str(start + size)}
        made["@odata.nextLink"] = f"{base}{quote(path)}?{urlencode(further)}"
    return as_json(200, made)
