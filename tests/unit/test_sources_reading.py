"""What stored values say: JSON leaves, encodings, ids as text, dates."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from mailbot.record import Value, plain, to_value
from mailbot.sources.keeping import read_date
from mailbot.sources.reading import fits, known_encoding, parse, shown, texts, without_leaves

COLUMNS = ("id", "skjema", "a b", "fornavn", "etternavn", "x.y")


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("fornavn", ["fornavn"]),
        ("fornavn etternavn", ["fornavn", "etternavn"]),
        ("a b", ["a b"]),
        ("x.y", ["x.y"]),
        ("skjema.felt[k=Mobil tlf].v", ["skjema"]),
        ("skjema.felt[0].v etternavn", ["skjema", "etternavn"]),
    ],
)
def test_column_expressions(text, columns):
    assert [leaf.column for leaf in parse(text, COLUMNS)] == columns


@pytest.mark.parametrize("text", ["finnes_ikke", "fornavn finnes_ikke", "", "skjema.felt[k", "id2"])
def test_what_does_not_exist_is_no_expression(text):
    assert parse(text, COLUMNS) is None


FORM = '{"felt": [{"k": "Tlf", "v": 90012345}, {"k": "E-post", "v": "a@x.no"}], "n": {"a": [1, 2]}}'


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("skjema.felt[k=Tlf].v", ["90012345"]),
        ("skjema.felt[k=e-post].v", ["a@x.no"]),
        ("skjema.felt.k", ["Tlf", "E-post"]),
        ("skjema.felt[1].v", ["a@x.no"]),
        ("skjema.n.a[*]", ["1", "2"]),
        ("skjema.felt[k=Nei].v", []),
        ("skjema.n.b.c", []),
    ],
)
def test_leaves_of_json(path, found):
    (leaf,) = parse(path, COLUMNS)
    assert list(texts(leaf, {"skjema": FORM})) == found
    assert list(texts(leaf, {"skjema": "no json {"})) == []


def test_json_loses_only_the_leaves_that_are_named():
    (leaf,) = parse("skjema.felt[k=Tlf].v", COLUMNS)
    emptied = without_leaves(FORM, [leaf.path])
    assert "90012345" not in emptied
    assert "a@x.no" in emptied


@pytest.mark.parametrize(
    ("value", "kind", "part"),
    [
        ("blåbær".encode("latin-1"), "text latin-1", "blåbær"),
        ("blåbær".encode("latin-1"), "text", "blåbær"),
        ("blåbær".encode(), "text", "blåbær"),
        ("smörgås".encode("utf-16"), "text utf-16", "smörgås"),
        ('{"a": {"b": ["x@y.no"]}}', "json", "x@y.no"),
        ({"a": "x@y.no"}, "text", "x@y.no"),
        ("broken {json x@y.no", "json", "x@y.no"),
        ("x@y.no;z@y.no", "list", "z@y.no"),
        ("&lt;x&#64;y.no&gt;", "text", "<x@y.no>"),
        ("?epost=x%40y.no&a=1", "text", "x@y.no"),
        ("[" * 5000, "json", "["),
    ],
)
def test_what_a_column_shows(value, kind, part):
    assert part in shown(to_value(value), kind)


def test_unknown_encodings_are_told():
    assert known_encoding("text latin-1")
    assert known_encoding("json")
    assert not known_encoding("text klingon-8")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((17, 17.0, Decimal("17"), Decimal("17.00"), "17", "17  "), "17"),
        ((True, 1), "1"),
        (("AB",), "AB"),
        ((None,), None),
    ],
)
def test_ids_compare_as_text(values, text):
    assert {plain(to_value(value)) for value in values} == {text}


def test_conditions_of_the_map():
    row = {"kind": "person", "active": 1}
    assert fits(row, {"kind": "person", "active": True})
    assert fits(row, {"kind": ["firm", "person"]})
    assert not fits(row, {"kind": "firm"})
    assert not fits(row, {"unknown": "x"})


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("2026-03-15", date(2026, 3, 15)),
        ("2026-03-15 23:30:00", date(2026, 3, 15)),
        ("2026-12-31T23:30:00Z", date(2027, 1, 1)),
        ("15.03.2026", date(2026, 3, 15)),
        ("15.3.2026 kl. 12", date(2026, 3, 15)),
        ("20260315", date(2026, 3, 15)),
        (20260315, date(2026, 3, 15)),
        (1773532800, date(2026, 3, 15)),
        (1773532800000, date(2026, 3, 15)),
        (date(2026, 3, 15), date(2026, 3, 15)),
        (datetime(2026, 3, 15, 12, 0), date(2026, 3, 15)),
        (Decimal("20260315"), date(2026, 3, 15)),
        (None, None),
        ("", None),
        ("i fjor", None),
        ("32.13.2026", None),
        ("0000-00-00", None),
        ("03/04/2026", None),
        ("15.3.26", None),
        (42, None),
        (True, None),
    ],
)
def test_only_dates_beyond_doubt_are_read(raw, day):
    value: Value = to_value(raw)
    assert read_date(value) == day
