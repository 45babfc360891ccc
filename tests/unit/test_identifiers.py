"""What counts as the same key, by the norms of matching; and that nothing hostile gets through."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailbot import datamap
from mailbot.identifiers import (
    customer_no,
    email,
    email_domain,
    email_variants,
    find_emails,
    find_keys,
    find_phones,
    is_shared,
    name_in,
    name_parts,
    own_key,
    phone,
    phone_of_column,
    phone_variants,
    same_email,
    same_name,
    same_phone,
)
from mailbot.record import Certainty

CERTAIN, POSSIBLE = Certainty.CERTAIN, Certainty.POSSIBLE
CUSTOMER = datamap.KeyPattern(pattern=r"K-?\d{5,7}", ignore=" -")


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("Ola@Example.NO", "ola@example.no", CERTAIN),
        ("  ola@example.no\r\n", "ola@example.no", CERTAIN),
        ("\u200bola@example.no\u200f", "ola@example.no", CERTAIN),
        ("<ola@example.no>", "ola@example.no", CERTAIN),
        ("Ola Nordmann <ola@example.no>", "ola@example.no", CERTAIN),
        ("mailto:ola@example.no?subject=Hei", "ola@example.no", CERTAIN),
        ("a\u030ase@example.no", "åse@example.no", CERTAIN),
        ("ｏｌａ＠example。no", "ola@example.no", CERTAIN),
        ("ola@blåbær.no", "ola@xn--blbr-roah.no", CERTAIN),
        ("ola@BLÅBÆR.no.", "ola@XN--BLBR-ROAH.no", CERTAIN),
        ("bjÃ¸rn@example.no", "bjørn@example.no", CERTAIN),
        ("BJÃ˜RN@example.no", "Bjørn@example.no", CERTAIN),
        ("bjã¸rn@example.no", "bjørn@example.no", CERTAIN),
        ("ola@blÃ¥bÃ¦r.no", "ola@xn--blbr-roah.no", CERTAIN),
        ('"ola"@example.no', "ola@example.no", CERTAIN),
        ("ola.nordmann+nett@gmail.com", "OlaNordmann@googlemail.com", CERTAIN),
        ("ola+nett@example.no", "ola@example.no", POSSIBLE),
        ("ola+a@example.no", "ola+b@example.no", POSSIBLE),
        ("ola.nordmann@example.no", "olanordmann@example.no", None),
        ("ola@example.no", "ola@example.com", None),
        ("ola@example.no", "ola@sub.example.no", None),
        ("bjorn@example.no", "bjørn@example.no", None),
        ("strauss@example.de", "strauß@example.de", None),
        ("ola@strasse.de", "ola@straße.de", None),
        ("оla@example.no", "ola@example.no", None),  # a Cyrillic o
        ("o\u200bla@example.no", "ola@example.no", None),  # hidden inside: not the same key
        ("ola\0@example.no", "ola@example.no", None),
        ("", "", None),
    ],
)
def test_same_email(a: str, b: str, expected: Certainty | None) -> None:
    assert same_email(a, b) is expected
    assert same_email(b, a) is expected


@pytest.mark.parametrize(
    "text",
    [
        "ola", "@example.no", "ola@", "ola@@example.no", "a@b@example.no", "ola n@example.no",
        "ola@e le.no", "ola@-example.no", "ola@example..no", "ola@[192.0.2.1]", "<a@b.no><c@d.n>",
        "ola@example.no, kari@example.no", '"ola nordmann"@example.no', "ola(hei)@example.no",
        "ola@example.no\0", "ola\r\n@example.no", "ola@exam\u202eple.no", "+x@gmail.com",
        "x" * 400 + "@example.no", "ola@" + "x" * 64 + ".no", "%@", "ola@%.no", "ola;@example.no",
    ],
)  # fmt: skip
def test_what_is_not_exactly_one_address_is_none(text: str) -> None:
    # A control sign at the edge is trimmed like space; anywhere else it makes the text no address.
    expected = "ola@example.no" if text == "ola@example.no\0" else None
    assert email(text) == expected


def test_email_domain_is_ascii() -> None:
    assert email_domain("Ola <ola@BLÅBÆR.no>") == "xn--blbr-roah.no"
    assert email_domain("ola@googlemail.com") == "googlemail.com"
    assert email_domain("nobody") is None


def test_variants_hold_what_a_column_may_hold() -> None:
    found = email_variants(" Åse.Bø@Blåbær.no ")
    assert found[0] == "åse.bø@xn--blbr-roah.no"
    assert {
        "Åse.Bø@Blåbær.no", "åse.bø@blåbær.no", "ÅSE.BØ@BLÅBÆR.NO", "Åse.bø@blåbær.no",
        "a\u030ase.bø@bla\u030abær.no", "Ã¥se.bÃ¸@blÃ¥bÃ¦r.no", "ã¥se.bã¸@blã¥bã¦r.no",
    } <= set(found)  # fmt: skip
    assert all(same_email(form, "åse.bø@blåbær.no") is CERTAIN for form in found)
    assert {"ola.n+x@gmail.com", "olan@gmail.com", "olan@googlemail.com"} <= set(
        email_variants("ola.n+x@gmail.com")
    )
    assert email_variants("no address") == ()


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw reads a list of domains
@given(st.emails())
def test_every_variant_is_the_same_address(address: str) -> None:
    found = email_variants(address)
    assert len(found) <= 64
    assert all(same_email(form, address) is CERTAIN for form in found)


def test_addresses_in_text() -> None:
    text = (
        "Skriv til 'Ola@Example.no', <kari@blåbær.no>; kopi: mailto:per+x@y.no?subject=x.\n"
        "Ikke a@b@c.no eller ola@localhost eller @. -liste@z.no, o\u200bla@q.no. OLA@example.no"
    )
    assert find_emails(text) == (
        "ola@example.no", "kari@xn--blbr-roah.no", "per+x@y.no", "liste@z.no", "ola@q.no",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "99887766", "998 87 766", "99 88 77 66", "99.88.77.66", "+47 99 88 77 66", "004799887766",
        "0047 998 87 766", "4799887766", "(+47) 99887766", "+47 (0) 998 87 766", "+47-998-87-766",
        "Mob.: 998 87 766 (jobb)", "９９８８７７６６", "\u202a+47 99887766\u202c", "99887766.0",
        "tlf 998\u00a087\u00a0766", " 998–87–766 ",
    ],
)  # fmt: skip
def test_one_number_in_any_form(text: str) -> None:
    assert phone(text) == "+4799887766"
    assert same_phone(text, "+4799887766")


@pytest.mark.parametrize(
    "text",
    ["", "12345", "ola", "99887766 / 22334455", "998877661", "K-12345", "+", "1" * 90, "\0", "%_%"],
)
def test_what_is_no_single_number_is_none(text: str) -> None:
    assert phone(text) is None
    assert phone_variants(text) == ()
    assert not same_phone(text, text)


def test_numbers_abroad() -> None:
    assert phone("070-123 45 67", "SE") == phone("+46 70 123 45 67") == "+46701234567"
    assert phone("(415) 555-2671 ext. 5", "US") == "+14155552671"
    assert {"070-123 45 67", "0701234567", "+46701234567"} <= set(
        phone_variants("+46 70 123 45 67", "SE")
    )
    assert "0701234567" not in phone_variants("+46 70 123 45 67", "NO")


def test_variants_of_a_number() -> None:
    found = phone_variants("+4799887766")
    assert {
        "99887766", "4799887766", "004799887766", "+4799887766", "998 87 766", "99 88 77 66",
        "+47 998 87 766", "+47 99 88 77 66", "+47 99887766", "0047 99887766",
    } <= set(found)  # fmt: skip
    assert all(same_phone(form, "99887766") for form in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ring 998 87 766 eller +46 70 123 45 67!", ("+4799887766", "+46701234567")),
        ("Mobilnummer: 99887766", ("+4799887766",)),
        ("Telefonnr. 22334455, kontor 22334456", ("+4722334455", "+4722334456")),
        ("Dato 22.03.2026 og 2026-03-22 kl. 12:30", ()),
        ("Org.nr. 987 654 321, konto 1234 56 78901, ordre 22334455", ()),
        ("Faktura 22334455 på kr 22 334 455 og 22 334 456 kr", ()),
        ("Kundenummer: 22334455", ()),
    ],
)
def test_numbers_in_text(text: str, expected: tuple[str, ...]) -> None:
    assert find_phones(text) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("Ola Nordmann", "NORDMANN, Ola", CERTAIN),
        ("Ola Nordmann", "nordmann ola", CERTAIN),
        ("Bjørn Åsæter", "Bjoern Aasaeter", CERTAIN),
        ("Bjørn Åsæter", "Bjorn Asaeter", CERTAIN),
        ("Jörg Müller", "Joerg Mueller", CERTAIN),
        ("Łukasz Kowalski", "Lukasz Kowalski", CERTAIN),
        ("Bjørn Li", "BjÃ¸rn Li", CERTAIN),
        ("Bjørn Li", "Björn Li", CERTAIN),
        ("Åse Bø", "Ã…se BÃ¸", CERTAIN),
        ("Łukasz Wójcik", "Å\u0081ukasz WÃ³jcik", CERTAIN),
        ("Anne-Marie Li", "Anne Marie Li", CERTAIN),
        ("Anne-Marie Li", "Annemarie Li", CERTAIN),
        ("Anne Marie Li", "Annemarie Li", CERTAIN),
        ("Dr. Ola Nordmann", "Ola Nordmann", CERTAIN),
        ("José O'Brien", "Jose OBrien", CERTAIN),
        ("Ola\u200b Nordmann\u200f", "Ola Nordmann", CERTAIN),
        ("Ola Nordmann", "Ola Johan Nordmann", POSSIBLE),
        ("Ola J. Nordmann", "Ola Johan Nordmann", POSSIBLE),
        ("O. Nordmann", "Ola Nordmann", POSSIBLE),
        ("Nordmann, O.", "Ola Nordmann", POSSIBLE),
        ("Ø. Li", "Øystein Li", POSSIBLE),
        ("Madonna", "madonna", POSSIBLE),
        ("Ola J. Nordmann", "Ola Kåre Nordmann", None),
        ("K. Nordmann", "Ola Nordmann", None),
        ("Ola N.", "Ola Nordmann", None),
        ("Ola", "Ola Nordmann", None),
        ("", "Ola Nordmann", None),
        ("Nordmann", "Ola Nordmann", None),
        ("Kari Nordmann", "Ola Nordmann", None),
        ("O. N.", "O. N.", None),
        ("Ola Nordmann", "Ola Nordman", None),
        ("ola@example.no", "ola@example.no", None),
        ("", "", None),
        ("%", "%", None),
    ],
)
def test_same_name(a: str, b: str, expected: Certainty | None) -> None:
    assert same_name(a, b) is expected
    assert same_name(b, a) is expected


def test_name_parts_stand_first_name_first() -> None:
    assert name_parts("Nordmann, Anne-Marie") == ("anne", "marie", "nordmann")
    assert name_parts("Frau Dr. Jörg  MÜLLER ") == ("jörg", "müller")
    assert name_parts("x" * 300) == name_parts("ola@x.no") == name_parts("Agent 007") == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hilsen Ola Nordmann", True),
        ("OLA NORDMANN ringte", True),
        ("fra Nordmann, Ola", True),
        ("Ola Johan Nordmann", True),
        ("Ola J. Nordmann", True),
        ("Ola Nordmanns faktura", True),
        ("Ola Nordmann's invoice", True),
        ("på… Ola Nordmann” – nå…", True),
        ("Ola og Kari Nordmann", False),
        ("Kari Nordmann og Ola Hansen", False),
        ("Ola bor hos familien Nordmann", False),
        ("Nordmann bor med Ola", False),
        ("Olav Nordmann", False),
        ("Ola", False),
        ("", False),
    ],
)
def test_name_in_text(text: str, shown: bool) -> None:
    assert name_in(text, "Ola Nordmann") is shown


def test_names_in_text_by_other_spellings() -> None:
    assert name_in("Med hilsen\nAnne Marie Bjørnå", "Annemarie Bjornaa") is False
    assert name_in("Med hilsen\nAnne Marie Bjørnå", "Anne-Marie Bjoernaa")
    assert name_in("Annemarie Bjoernaa", "Anne-Marie Bjørnå")
    assert not name_in("Ola Nordmann", "Ola")
    assert not name_in("Ola Nordmann", "O. Nordmann")


def test_own_keys() -> None:
    assert customer_no(" k-12345 ", CUSTOMER.pattern, CUSTOMER.ignore) == "K12345"
    assert customer_no("K12345", CUSTOMER.pattern) == customer_no("k 12345") == "K12345"
    assert own_key("12345", CUSTOMER.pattern) is None
    assert own_key("K-12345; DROP", CUSTOMER.pattern) is None
    assert own_key("--") is own_key("") is own_key("x" * 65) is None
    assert own_key("ab_1", ignore="_") == "AB1"


def test_own_keys_in_text_stand_alone() -> None:
    text = "Kundenr K-12345 og k1234567, ikke XK-12345, K-12345678 eller K-123. " + "x" * 240
    text += " K-54321\nK-12345"
    assert find_keys(text, {"customer_no": CUSTOMER}) == (
        ("customer_no", "K12345"),
        ("customer_no", "K1234567"),
        ("customer_no", "K54321"),
    )


@pytest.mark.parametrize("before", range(180, 262))
def test_a_key_is_found_wherever_the_line_is_cut(before: int) -> None:
    digits = datamap.KeyPattern(pattern=r"\d{5,9}", ignore="")
    line = "." * before + "123456789" + "." * 300
    assert find_keys(line, {"no": digits}) == (("no", "123456789"),)


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        ("post@example.no", True),
        ("FAKTURA@example.no", True),
        ("info.oslo@example.no", True),
        ("post2@example.no", True),
        ("salg-nord@example.no", True),
        ("noreply@example.com", True),
        ("ola@example.no", False),
        ("postmann.pat@example.no", False),
        ("no address", False),
    ],
)
def test_shared_addresses(address: str, shared: bool) -> None:
    own = datamap.Own(shared_local_parts=("post", "faktura", "salg"))
    assert is_shared(address, own) is shared


@dataclass(frozen=True)
class Hostile:
    """A text made to be slow or confusing, kept out of the test's name."""

    text: str


HOSTILE = [
    Hostile(text)
    for text in (
        "a@" * 50_000, "@" * 100_000, " " * 200_000 + "x", "+47 " * 50_000, "99887766 " * 20_000,
        "ola " * 50_000 + "nordmann", "a.b" * 60_000 + "@x.no", "x@" + "a." * 100_000,
        "K-" * 100_000, "\ufdfa" * 50_000, "(" * 100_000, "1" * 200_000, "<" * 200_000,
        "xn--" * 50_000, "Ã¸" * 100_000, "\u202e" * 100_000, "\0" * 100_000, "-" * 200_000,
        "a\u0301" * 50_000, "\ud800" * 100, "\U0001f9d9@x.no", "x@xn--zzzzzzzz.no",
    )
]  # fmt: skip
READERS: list[Callable[[str], object]] = [
    email, email_variants, find_emails, phone, phone_variants, find_phones, name_parts, own_key,
    lambda text: same_name(text, text), lambda text: name_in(text, "Ola Nordmann"),
    lambda text: name_in("Ola Nordmann", text), lambda text: is_shared(text, datamap.Own()),
    lambda text: find_keys(text, {"no": datamap.KeyPattern(pattern=r"\w+-?\d+")}),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(HOSTILE)))
def test_hostile_text_costs_little(place: int) -> None:
    for read in READERS:
        start = time.process_time()
        read(HOSTILE[place].text)
        assert time.process_time() - start < 3  # generous: the worst takes some 0.5 s


@given(st.text(max_size=300))
def test_no_text_at_all_breaks_a_reader(text: str) -> None:
    for read in READERS:
        read(text)


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    for normalise in (email, phone, customer_no):
        once = normalise(text)
        assert once is None or normalise(once) == once


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("46701234567", "+46701234567"), ("46 70-123 45 67", "+46701234567"),
        ("8613800138000", "+8613800138000"), ("442079460958.0", "+442079460958"),
        ("4740100001", "+4740100001"), ("40100001", "+4740100001"), ("01017012345", None),
        ("99999999999", None), ("K46701234567", None), ("46701234567 46701234568", None),
    ],
)  # fmt: skip
def test_a_column_of_numbers_may_hold_foreign_ones_without_their_plus(
    text: str, found: str | None
) -> None:
    assert phone_of_column(text) == found
