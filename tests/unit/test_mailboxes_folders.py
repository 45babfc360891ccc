"""Folders by well-known name, in the languages and on the servers that there are."""

import pytest

from mailbot.mailboxes.folders import by_name
from mailbot.mailboxes.imap_folders import Directory, Folder
from mailbot.mailboxes.imap_search import any_of, phrase_criteria, quoted, windows
from mailbot.mailboxes.maildir_folders import Folders, encoded, make_maildir


def directory(
    *listed: str, separator: str = "/", prefix: str = "", labels: bool = False
) -> Directory:
    folders = []
    for one in listed:
        name, _, attributes = one.partition(" \\")
        flags = frozenset(f"\\{flag}" for flag in attributes.lower().split(" \\") if flag)
        folders.append(Folder(name, flags))
    return Directory(tuple(folders), separator, prefix, labels)


@pytest.mark.parametrize(
    ("well_known", "name"),
    [
        ("junkemail", "Søppelpost"),
        ("junkemail", "Skräppost"),
        ("junkemail", "Uønsket mail"),
        ("junkemail", "Junk-E-Mail"),
        ("sentitems", "Sendte elementer"),
        ("deleteditems", "Gelöschte Elemente"),
        ("deleteditems", "Papperskorgen"),
        ("archive", "Arkiv"),
        ("drafts", "Utkast"),
    ],
)
def test_localised_names(well_known: str, name: str) -> None:
    others = ["INBOX", "Kunder", f"Kunder/{name}", "Sent til kunde"]
    assert by_name(well_known, [*others, name]) == name
    assert by_name(well_known, others) is None
    assert by_name(well_known, [f"INBOX.{name}"], ".") == f"INBOX.{name}"


def test_attributes_beat_names() -> None:
    box = directory("INBOX", "Junk", "Reklame \\Junk")
    assert box.find("junkemail") == "Reklame"
    assert box.find("inbox") == "INBOX"
    assert box.find("Inbox") == "INBOX"
    assert box.find("archive") is None


def test_paths_on_servers_with_a_prefix() -> None:
    box = directory("INBOX", "INBOX.Kunder.Nye", separator=".", prefix="INBOX.")
    assert box.find("Kunder/Nye") == "INBOX.Kunder.Nye"
    assert box.find("INBOX.Kunder.Nye") == "INBOX.Kunder.Nye"
    assert box.new_name("Saker/2026") == "INBOX.Saker.2026"


def test_views_are_not_searched_twice() -> None:
    plain = directory("INBOX", "Alt \\All", "Stjerner \\Flagged", "Kunder")
    assert plain.searchable() == ["INBOX", "Kunder"]
    gmail = directory(
        "INBOX", "[Gmail]/Alt \\All", "[Gmail]/Spam \\Junk", "[Gmail]/Bin \\Trash", "Kunder",
        labels=True,
    )  # fmt: skip
    assert gmail.searchable() == ["[Gmail]/Alt", "[Gmail]/Spam", "[Gmail]/Bin"]


@pytest.mark.parametrize("name", ["../x", "a//b", "", ".", "a.b", "/a", "a/", "a\0b"])
def test_a_maildir_folder_never_leads_out(name: str) -> None:
    from mailbot.errors import Permanent

    with pytest.raises(Permanent):
        encoded(name)


def test_maildir_folders_in_letters(tmp_path: object) -> None:
    from pathlib import Path

    root = Path(str(tmp_path))
    make_maildir(root)
    box = Folders(root)
    box.make("Saker/Åpne & nye")
    assert (root / ".Saker.&AMU-pne &- nye" / "cur").is_dir()
    assert list(box.listed()) == ["inbox", "Saker/Åpne & nye"]
    assert box.find("Saker/Åpne & nye") == root / ".Saker.&AMU-pne &- nye"


@pytest.mark.parametrize("exists", [0, 1, 19_999, 20_000, 20_001, 40_000, 40_001, 99_999])
def test_windows_cover_every_mail(exists: int) -> None:
    covered: set[int] = set()
    for window in windows(exists):
        first, last = window.split(":")
        covered |= set(range(int(first), (exists if last == "*" else int(last)) + 1))
    assert set(range(1, exists + 1)) <= covered


def test_criteria_are_data() -> None:
    assert quoted('a"b\\c\r\nd') == b'"a\\"b\\\\c d"'
    assert any_of([b"A", b"B", b"C"]) == b"OR OR A B C"
    assert list(phrase_criteria(["90 00 00 00"], True)) == [(b'(TEXT "90 00 00 00")',)]
    assert list(phrase_criteria(["Kari Nordmann"], True)) == [(b'(TEXT "Kari" TEXT "Nordmann")',)]
    assert list(phrase_criteria(["Kåre Ås"], True)) == [
        (b"TEXT", "Kåre".encode(), b"TEXT", "Ås".encode())
    ]
    assert list(phrase_criteria(["Bjørn Hansen"], False)) == [(b'(TEXT "Hansen")',)]
    assert list(phrase_criteria(["øå"], False)) == [(b"ALL",)]
