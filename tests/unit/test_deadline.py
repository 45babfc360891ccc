"""The one-month clock, against the table of the law and against the calendar itself."""

import csv
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.deadline import (
    Deadline,
    breach_deadline,
    days_left,
    deadline,
    holidays,
    one_month,
    parse_received,
    roll,
    why_closed,
)

# received (Oslo unless Z), nominal end, last day, extended last day
TABLE = [
    ("2026-01-31 10:00", "2026-02-28", "2026-03-02", "2026-04-30"),
    ("2028-01-31 10:00", "2028-02-29", "2028-02-29", "2028-05-02"),
    ("2028-02-29 23:59", "2028-03-29", "2028-03-29", "2028-05-29"),
    ("2026-02-28 11:00", "2026-03-28", "2026-03-30", "2026-05-28"),
    ("2026-08-31 12:00", "2026-09-30", "2026-09-30", "2026-11-30"),
    ("2026-03-02 08:00", "2026-04-02", "2026-04-07", "2026-06-02"),
    ("2026-03-05 09:00", "2026-04-05", "2026-04-07", "2026-06-05"),
    ("2027-02-25 14:00", "2027-03-25", "2027-03-30", "2027-05-25"),
    ("2028-03-13 10:00", "2028-04-13", "2028-04-18", "2028-06-13"),
    ("2026-04-01 10:00", "2026-05-01", "2026-05-04", "2026-07-01"),
    ("2026-04-14 12:00", "2026-05-14", "2026-05-15", "2026-07-14"),
    ("2026-04-17 15:00", "2026-05-17", "2026-05-18", "2026-07-17"),
    ("2027-04-17 15:00", "2027-05-17", "2027-05-18", "2027-07-19"),
    ("2026-04-25 10:00", "2026-05-25", "2026-05-26", "2026-07-27"),
    ("2029-04-17 10:00", "2029-05-17", "2029-05-18", "2029-07-17"),
    ("2026-11-24 16:00", "2026-12-24", "2026-12-24", "2027-02-24"),
    ("2026-11-25 16:00", "2026-12-25", "2026-12-28", "2027-02-25"),
    ("2026-12-01 09:00", "2027-01-01", "2027-01-04", "2027-03-01"),
    ("2026-12-31 23:30", "2027-01-31", "2027-02-01", "2027-03-31"),
    ("2026-07-14T22:30Z", "2026-08-15", "2026-08-17", "2026-10-15"),
    ("2026-12-14T22:59Z", "2027-01-14", "2027-01-14", "2027-03-15"),
    ("2026-12-14T23:00Z", "2027-01-15", "2027-01-15", "2027-03-15"),
]


def rows() -> list[tuple[str, str, str, str]]:
    """Our own table and, where the measuring data lies beside the checkout, that one too."""
    shared = Path(__file__).parents[3] / "shared" / "data" / "deadlines.tsv"
    if not shared.is_file():
        return TABLE
    with shared.open(encoding="utf-8", newline="") as file:
        return TABLE + [
            (row["received"], row["nominal"], row["last_day"], row["ext_last_day"])
            for row in csv.DictReader(file, delimiter="\t")
        ]


@pytest.mark.parametrize(("received", "nominal", "last_day", "extended"), rows())
def test_every_row_of_the_table(received: str, nominal: str, last_day: str, extended: str) -> None:
    found = deadline(parse_received(received))
    assert found.nominal == date.fromisoformat(nominal)
    assert found.last_day == date.fromisoformat(last_day)
    assert found.extended_last_day == date.fromisoformat(extended)
    assert bool(found.reasons) == (found.nominal != found.last_day)


def test_reasons_name_each_day_passed_over() -> None:
    assert deadline(datetime(2026, 3, 2, 8)).reasons == (
        "2026-04-02 Maundy Thursday",
        "2026-04-03 Good Friday",
        "2026-04-04 Saturday",
        "2026-04-05 Easter Sunday",
        "2026-04-06 Easter Monday",
    )


def test_an_extension_counts_from_receipt_and_explains_itself() -> None:
    plain, extended = (deadline(datetime(2026, 4, 25, 10), extended=e) for e in (False, True))
    assert plain.binding == plain.last_day == date(2026, 5, 26)
    assert extended.binding == extended.extended_last_day == date(2026, 7, 27)
    assert extended.last_day == plain.last_day
    assert extended.nominal == date(2026, 7, 25)
    assert extended.reasons == ("2026-07-25 Saturday", "2026-07-26 Sunday")


def test_holidays_of_a_year() -> None:
    assert sorted(day.isoformat()[5:] for day in holidays(2026)) == [
        "01-01", "04-02", "04-03", "04-05", "04-06", "05-01",
        "05-14", "05-17", "05-24", "05-25", "12-25", "12-26",
    ]  # fmt: skip
    assert holidays(2027)[date(2027, 5, 17)] == "17 May and Whit Monday"
    assert holidays(2008)[date(2008, 5, 1)] == "1 May and Ascension Day"


@pytest.mark.parametrize("day", ["2026-12-24", "2026-12-31", "2027-03-26", "2026-06-24"])
def test_eves_are_judged_by_what_they_are(day: str) -> None:
    """No eve is a holiday; a Good Friday among them shows that the test can tell."""
    assert (why_closed(date.fromisoformat(day)) is None) == (day != "2027-03-26")


@given(st.dates(date(1950, 1, 1), date(2999, 1, 1)))
def test_the_last_day_is_a_working_day_and_never_early(received: date) -> None:
    found = deadline(datetime.combine(received, datetime.min.time()))
    assert why_closed(found.last_day) is None
    assert found.nominal <= found.last_day <= found.nominal + timedelta(days=6)
    assert found.last_day < found.extended_last_day
    assert found.nominal == one_month(received)


def test_a_working_day_stands() -> None:
    assert roll(date(2026, 9, 30)) == (date(2026, 9, 30), ())


def test_the_date_is_that_of_oslo_whatever_zone_it_comes_in() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert deadline(datetime(2026, 7, 15, 6, tzinfo=tokyo)).received == date(2026, 7, 14)
    assert deadline(datetime(2026, 7, 15, 8, tzinfo=tokyo)).received == date(2026, 7, 15)
    assert deadline(datetime(2026, 7, 14, 22, tzinfo=UTC), "UTC").received == date(2026, 7, 14)


def test_document_has_the_keys_of_the_command() -> None:
    assert deadline(parse_received("2026-01-31 10:00")).document() == {
        "received": "2026-01-31",
        "nominal": "2026-02-28",
        "last_day": "2026-03-02",
        "extended_last_day": "2026-04-30",
        "reasons": ["2026-02-28 Saturday", "2026-03-01 Sunday"],
    }


def test_days_left() -> None:
    assert days_left(date(2026, 3, 1), date(2026, 3, 2)) == 1
    assert days_left(date(2026, 3, 2), date(2026, 3, 2)) == 0
    assert days_left(date(2026, 3, 5), date(2026, 3, 2)) == -3


@pytest.mark.parametrize(
    ("received", "ends"),
    [
        (datetime(2026, 10, 24, 12), datetime(2026, 10, 27, 10, tzinfo=UTC)),  # 11:00 in Oslo
        (datetime(2026, 12, 25, 18), datetime(2026, 12, 28, 17, tzinfo=UTC)),  # 18:00 in Oslo
        (datetime(2026, 10, 24, 10, tzinfo=UTC), datetime(2026, 10, 27, 10, tzinfo=UTC)),
    ],
)
def test_a_breach_has_72_elapsed_hours(received: datetime, ends: datetime) -> None:
    assert breach_deadline(received) == ends


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02", datetime(2026, 3, 2)),
        ("2026-03-02 08:15", datetime(2026, 3, 2, 8, 15)),
        (" 2026-03-02T08:15:30 ", datetime(2026, 3, 2, 8, 15, 30)),
        ("2026-03-02t07:15z", datetime(2026, 3, 2, 7, 15, tzinfo=UTC)),
        ("2026-03-02T08:15+01:00", datetime(2026, 3, 2, 7, 15, tzinfo=UTC)),
        ("2.3.2026", datetime(2026, 3, 2)),
        ("02.03.2026 08.15", datetime(2026, 3, 2, 8, 15)),
    ],
)
def test_times_as_people_type_them(text: str, expected: datetime) -> None:
    assert parse_received(text) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "31.2.2026", "2026-13-01", "12/03/2026", "0\0", "٣"]
)
def test_bad_times_get_one_clear_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^The time of receipt is not readable: [^.]*\.$"):
        parse_received(text)


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "1.1.4000"])
def test_years_without_a_calendar_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="^The year of receipt must lie between"):
        parse_received(text)


def test_a_deadline_is_a_frozen_value() -> None:
    found = deadline(datetime(2026, 3, 2))
    assert isinstance(found, Deadline)
    assert hash(found) == hash(deadline(datetime(2026, 3, 2)))
