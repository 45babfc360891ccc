"""Mailing lists of every make: which rows are on the suppression list, and nothing else told."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import pytest

from mailbot.errors import ConfigError
from mailbot.mailinglist import Hit, check_list, read_list, without

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
LISTED = {
    "email": {"ola@nordmann.no", "kari@blåbær.no", "k@xn--blbr-roah.no"},
    "phone": {"+4791234567"},
}


def suppressed(channel: str, values: Iterable[str]) -> Mapping[str, datetime]:
    return {value: SINCE for value in values if value in LISTED[channel]}


def hits(data: bytes) -> tuple[Hit, ...]:
    return check_list(read_list(data, "x.csv"), suppressed, "NO")


@pytest.mark.parametrize(
    "data",
    [
        b"Navn;E-post\r\nOla;OLA@Nordmann.no\r\nPer;per@x.no\r\n",
        "Name,E-mail\nOla, Ola@nordmann.no \nPer,per@x.no\n".encode("utf-16"),
        "\ufeffnavn\tepost\nOla\t<ola@nordmann.no>\nÅse\tase@x.no\n".encode(),
        b'N|M\n"Ola | N"|"Ola Nordmann <ola@nordmann.no>"\nPer|p@x.no\n',
        "Navn;E-post\nOla Bø;ola@nordmann.no\nÅse;å@x.no\n".encode("latin-1"),
        b'sep=;\nola@nordmann.no;"a, b, c"\n',
        b"Navn;Merknad\nx;Skriv til ola@nordmann.no eller meg@x.no\n",
    ],
)  # fmt: skip
def test_an_address_is_found_in_any_file(data: bytes):
    (hit,) = hits(data)
    assert (hit.channel, hit.since, hit.line) == ("email", SINCE, 2)


def test_a_file_without_header_and_one_column():
    assert [hit.line for hit in hits(b"per@x.no\nola@nordmann.no\n")] == [2]
    assert [hit.line for hit in hits(b"ola@nordmann.no")] == [1]


def test_numbers_count_in_cells_of_their_own_and_columns_called_so():
    assert [h.line for h in hits(b"Navn;Tlf\nA;912 34 567 (jobb)\nB;0047 91234567\n")] == [2, 3]
    assert hits(b"Navn;Merknad\nA;ordre 912 34 567 av i fjor\n") == ()


def test_lines_are_those_of_the_file_though_cells_hold_line_breaks():
    data = b'a;b\r\n"x\r\ny";per@x.no\r\n\r\nz;ola@nordmann.no\r\n'
    assert [hit.line for hit in hits(data)] == [5]
    listed = read_list(data, "x.csv")
    assert without(listed, hits(data)) == b'a;b\r\n"x\r\ny";per@x.no\r\n'


def test_nothing_of_a_list_is_told_but_line_and_column():
    (hit,) = hits(b"Navn;E-post\nOla;ola@nordmann.no\n")
    assert "ola" not in repr(hit).lower()


def test_what_is_no_table_is_refused_in_one_sentence():
    with pytest.raises(ConfigError, match="no text file"):
        read_list(b"PK\x03\x04\x00\x00", "list.xlsx")


def test_an_empty_file_has_nobody():
    assert hits(b"") == ()
