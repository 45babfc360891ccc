"""Every frozen value survives JSON exactly."""

import dataclasses
import json
import math
import typing
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from types import ModuleType
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailbot import case, codec, message, plan, ports, record
from mailbot.case import Label, Matter, State
from mailbot.codec import from_json, to_json
from mailbot.errors import Permanent
from mailbot.message import Attachment, Automatic, Forwarded, Mail, Outgoing, OutgoingFile, Verdict
from mailbot.plan import Action, Do
from mailbot.record import Finding, Typed, Value

texts = st.text(max_size=8)
values: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    st.builds(Typed, type=texts, text=texts),
)
zones = st.one_of(
    st.just(UTC), st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))
)
moments = st.datetimes(timezones=zones)


def values_of(module: ModuleType) -> list[type]:
    return [
        found
        for found in vars(module).values()
        if isinstance(found, type)
        and dataclasses.is_dataclass(found)
        and found.__module__ == module.__name__
    ]


CLASSES = [found for module in (message, case, record, plan, ports) for found in values_of(module)]


def drawn(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a declared type, with sequences as tuples, as the values hold them."""
    if kind == Value:
        return values
    if kind is object:
        return st.one_of(st.none(), st.booleans(), texts, st.lists(texts, max_size=2))
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: texts,
        int: st.integers(),
        bool: st.booleans(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bytes: st.binary(max_size=8),
        datetime: moments,
        date: st.dates(),
        type(None): st.none(),
    }
    if kind in simple:
        return simple[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    if dataclasses.is_dataclass(kind):
        fields = {
            name: st.deferred(lambda hint=hint: drawn(hint))
            for name, hint in typing.get_type_hints(kind).items()
        }
        return st.builds(kind, **fields)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(texts, drawn(arguments[1]), max_size=3)
    if origin is tuple and arguments[-1] is not ...:
        return st.tuples(*map(drawn, arguments))
    if origin is tuple or (isinstance(origin, type) and issubclass(origin, Sequence)):
        return st.lists(drawn(arguments[0]), max_size=2).map(tuple)
    return st.one_of([drawn(argument) for argument in arguments])


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_value_comes_back_as_it_was(kind, data):
    value = data.draw(drawn(kind))
    stored = json.loads(json.dumps(to_json(value), allow_nan=False))
    again = from_json(kind, stored)
    assert again == value
    # Equality alone would let 1, 1.0 and True pass for each other.
    assert json.dumps(to_json(again)) == json.dumps(stored)


def test_the_list_of_values_is_not_empty():
    assert {Mail, Matter, Finding, Action, ports.StoredMail} <= set(CLASSES)


@given(st.dictionaries(texts, values))
def test_the_values_of_a_row_stay_distinct(row):
    again = from_json(Finding, json.loads(json.dumps(to_json(finding(row))))).row
    assert {name: (type(value), value) for name, value in again.items()} == {
        name: (type(value), value) for name, value in row.items()
    }


def finding(row: dict[str, Value]) -> Finding:
    return Finding(
        system="crm",
        table="t",
        key={"id": 1},
        certainty=record.Certainty.CERTAIN,
        reason="r",
        trail="t",
        row=row,
    )


def test_what_looks_alike_does_not_become_alike():
    row: dict[str, Value] = {
        "int": 1,
        "text": "1",
        "bool": True,
        "float": 1.0,
        "decimal": Typed("decimal", "1"),
        "none": None,
        "minus": -0.0,
        "big": 2**80,
        "date": Typed("date", "2026-03-02"),
        "like a typed": '{"type":"date","text":"2026-03-02"}',
        "odd": "\ud800\0",
    }
    again = from_json(Finding, json.loads(json.dumps(to_json(finding(row))))).row
    assert [(name, type(value)) for name, value in again.items()] == [
        (name, type(value)) for name, value in row.items()
    ]
    assert again == row
    assert math.copysign(1, again["minus"]) == -1


def test_a_whole_mail_survives():
    mail = Mail(
        message_id="a@b",
        sender=message.Address(address="kari@example.org", name="Kåre"),
        reply_to=(message.Address(address="x@y"),),
        date=datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
        attachments=(Attachment(name="a.pdf", media_type="application/pdf", size=1, sha256="0"),),
        automatic=Automatic.BOUNCE,
        authentication=message.Authentication(verdict=Verdict.PASS),
        forwarded=Forwarded(sender=message.Address(address="inner@x"), text="hi"),
    )
    assert from_json(Mail, to_json(mail)) == mail
    assert from_json(Mail, to_json(mail)).date.utcoffset() == mail.date.utcoffset()


def test_bytes_and_headers_of_an_outgoing_mail_survive():
    mail = Outgoing(
        effect="e",
        message_id="m",
        sender=message.Address(address="a@b"),
        to=(message.Address(address="c@d"),),
        subject="s",
        text="t",
        files=(
            OutgoingFile(name="f", media_type="t", content=bytes(range(256)), plain_sha256="0"),
        ),
        headers={"X-Mailbot-Effect": "e"},
    )
    assert from_json(Outgoing, json.loads(json.dumps(to_json(mail)))) == mail


def test_tuples_of_values_can_be_read_as_such():
    actions = (Action(number=1, do=Do.KEEP, system="crm", until=date(2031, 12, 31)),)
    assert from_json(tuple[Action, ...], to_json(actions)) == actions
    assert from_json(list[int], [1, 2]) == [1, 2]
    assert from_json(tuple[str, int], ["a", 1]) == ("a", 1)


def test_a_field_that_came_later_takes_its_default():
    old = to_json(Action(number=1, do=Do.DELETE, system="crm"))
    del old["rule"]
    assert from_json(Action, old).rule == ""


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Action, {"number": 1, "do": "delete", "system": "crm", "secret-field": 1}),
        (Action, {"number": 1, "do": "delete"}),
        (Action, {"number": True, "do": "delete", "system": "crm"}),
        (Action, {"number": "1", "do": "delete", "system": "crm"}),
        (Action, {"number": 1, "do": "secret", "system": "crm"}),
        (Action, {"number": 1, "do": "delete", "system": "crm", "until": "secret"}),
        (Action, {"number": 1, "do": "delete", "system": "crm", "key": {"a": ["secret"]}}),
        (Action, {"number": 1, "do": "delete", "system": "crm", "key": {"a": {"type": "x"}}}),
        (Action, ["secret"]),
        (Mail, {"date": "2026-03-02T08:00:00"}),
        (Mail, {"received": 5}),
        (OutgoingFile, {"name": "", "media_type": "", "content": "sec*et", "plain_sha256": ""}),
        (tuple[str, int], ["secret"]),
        (State, "secret"),
        (float, "secret"),
        (type(None), "secret"),
    ],
)
def test_a_misfit_is_refused_by_place_and_never_quoted(kind, data):
    with pytest.raises(Permanent) as told:
        from_json(kind, data)
    assert "sec" not in str(told.value)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        datetime(2026, 3, 2),
        {1: "a"},
        {"a": object()},
        {"a"},
        Mail,
        [Mail(date=datetime(2026, 3, 2))],
    ],
)
def test_what_would_not_come_back_the_same_is_refused(value):
    with pytest.raises(Permanent):
        to_json(value)


def test_the_place_of_a_misfit_is_named():
    with pytest.raises(Permanent, match=r"Mail\.sender\.address: expected str, found int"):
        from_json(Mail, {"sender": {"address": 1}})
    with pytest.raises(Permanent, match=r"Mail\.date"):
        to_json(Mail(date=datetime(2026, 3, 2)))


def test_numbers_of_numpy_and_enums_become_plain():
    assert type(to_json(numpy.float64(0.5))) is float
    assert type(to_json(Label.ERASURE)) is str
    assert from_json(float, 1) == 1.0


def test_a_union_that_json_could_not_tell_apart_is_refused():
    with pytest.raises(TypeError):
        from_json(tuple[str | date, ...], ["a"])
    with pytest.raises(TypeError):
        from_json(set[str], [])


def test_optional_floats_take_whole_numbers():
    assert from_json(tuple[float | None, ...], [1, None, 2.5]) == (1.0, None, 2.5)
    assert codec.from_json(tuple[int | float, ...], [1, 1.0]) == (1, 1.0)
