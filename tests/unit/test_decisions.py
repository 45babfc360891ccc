"""Replies of staff, from the raw mail to the decision. Above all: no "no" is read as a "yes"."""

import csv
import itertools
import os
import re
import tomllib
from pathlib import Path

import pytest

from mailbot.errors import ConfigError
from mailbot.mailtext.authenticity import Trust
from mailbot.mailtext.decisions import load_words, read_reply, read_text
from mailbot.mailtext.patterns import ends, read_pattern, words_of
from mailbot.message import Automatic, Mail
from mailbot.steps.parse import parse
from tests.bench import replies as bench_replies
from tests.replies import clients

ROOT = Path(__file__).parents[2]
LANGUAGES = ("nb", "nn", "en", "sv", "da", "de")
WORDS = load_words(ROOT / "templates", LANGUAGES)


def samples() -> list[tuple[str, str, str, str, str]]:
    with (ROOT / "tests/replies/replies.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    return [
        (row[0], row[1].replace("\\n", "\n"), row[2], row[3], row[4])
        for row in rows
        if not row[0].startswith("#")
    ]


SAMPLES = samples()
each_client = pytest.mark.parametrize(
    "client", list(clients.CLIENTS.values()), ids=lambda client: client.__name__
)
SHAPES = list(itertools.product(clients.CLIENTS.values(), LANGUAGES))
# By sixes it is each program in one language; `make soak` reads more shapes of each.
PER_SAMPLE = 6 if os.environ.get("MAILBOT_SOAK") else 3


def read(raw: bytes):
    return read_reply(parse(raw, Trust()), WORDS)


@pytest.mark.parametrize(
    ("number", "sample"),
    list(enumerate(SAMPLES)),
    ids=[f"{number}-{sample[0]}" for number, sample in enumerate(SAMPLES)],
)
def test_a_reply_is_read_the_same_from_every_program(number, sample):
    decision, text, items, rights, reason = sample
    # Each sample in some of the thirty-six shapes, so that all shapes meet all kinds of reply.
    for client, language in (SHAPES[(number * 7 + 6 * k) % len(SHAPES)] for k in range(PER_SAMPLE)):
        reply = read(client(text, language))
        assert (
            reply.decision,
            " ".join(map(str, reply.items)),
            " ".join(reply.rights),
            reply.reason or "",
        ) == (decision, items, rights, reason), (client.__name__, language, reply.why)


@pytest.mark.parametrize("language", LANGUAGES)
@each_client
def test_the_word_shown_to_staff_approves_in_every_program(client, language):
    assert read(client(WORDS.keywords[language]["approve"], language)).decision == "approve"


def test_every_keyword_shown_to_staff_is_understood():
    for keywords in WORDS.keywords.values():
        for decision, word in keywords.items():
            if decision == "approve":
                text = word
            elif decision == "edit":
                text = f"{word}:\nKjære Ola,\nvi har slettet alt."
            elif decision in ("keep", "redact"):
                text = f"{word} 3: grunn"
            else:
                text = f"{word}: grunn"
            assert read_text(text, WORDS).decision == decision, word


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_names_of_rights_shown_to_staff_are_understood(language):
    file = ROOT / "templates" / language / "words.toml"
    if not file.is_file():
        pytest.skip(f"templates/{language}/words.toml is not written yet")
    for right, name in tomllib.loads(file.read_text(encoding="utf-8"))["rights"].items():
        reply = read_text(name.upper(), WORDS)
        if right == "not_privacy":
            assert reply.decision == "not_privacy", name
        else:
            expected = "objection" if right == "marketing" else right
            assert (reply.decision, reply.rights) == ("right", (expected,)), name


# --- where the words stand -------------------------------------------------------------------


def test_a_plain_word_of_approval_may_stand_below_the_quote_but_a_mere_yes_may_not():
    assert read(clients.thunderbird_below("Godkjent", "nb")).decision == "approve"
    reply = read(clients.thunderbird_below("ja", "nb"))
    assert (reply.decision, reply.why) == ("unclear", "below-quote")


def test_an_answer_between_the_lines_of_the_question_is_unclear():
    text = "> 1. Slett kunde\nja\n> 2. Slett ordre\n"
    raw = clients._mail(f"Den 23.11.2026 09:12, skrev mailbot:\n{text}", "", "nb")
    assert read(raw).why == "interleaved"


def test_gmails_answer_inside_the_quote_is_unclear():
    rich = (
        '<div dir="ltr"><div class="gmail_quote"><div class="gmail_attr">man. 23. nov. 2026 kl.'
        ' 09:12 skrev mailbot &lt;support@example.no&gt;:<br></div><blockquote class="gmail_quote">'
        "<div>1. Slett kunde</div></blockquote><div>Godkjent</div>"
        '<blockquote class="gmail_quote"><div>2. Slett ordre</div></blockquote></div></div>'
    )
    assert read(clients._mail("x", rich, "nb")).decision == "unclear"
    only_html = clients._mail("", "", "nb").replace(b"text/plain", b"text/html")
    head = only_html.partition(b"\r\n\r\n")[0]
    raw = head + b"\r\n\r\n" + rich.encode()
    assert read(raw).why == "interleaved"


@each_client
def test_a_decision_that_is_only_quoted_is_none(client):
    assert read(client("", "nb")).why == "empty"


def test_a_decision_only_in_the_signature_is_none():
    assert read(clients.thunderbird("\n-- \nGODKJENN\nKari Leder", "nb")).decision == "unclear"


def test_a_decision_only_in_the_subject_is_none():
    raw = clients.thunderbird("", "nb").replace(b"Subject: SV:", b"Subject: GODKJENN SV:")
    assert read(raw).decision == "unclear"


def test_a_reservation_below_the_name_counts():
    for text in (
        "Godkjent\n\nMvh\nKari\n\nbortsett fra 3",
        "Godkjent\n\n-- \nKari\nikke 3",
        "Godkjent\n\nKari Leder\nvent med ordrene",
        "Godkjent\n\nMvh\nKari\n\nBEHOLD 3",
        "Godkjent\n\nMvh\nKari\n\nbare ordrene",
        "Godkjent\n\nMvh\nKari\n\npunkt 3 og 5 blir",
        "Godkjent\n\nMvh\nKari\n3 og 5",
    ):
        for client in clients.CLIENTS.values():
            assert read(client(text, "nb")).decision == "unclear", (text, client.__name__)


def test_a_signature_with_notices_does_not_hinder():
    text = (
        "Godkjent\n\nMed vennlig hilsen\nKari Leder\nDaglig leder | Eksempel AS\nTlf. 900 00 000\n"
        "www.example.no\n\nDenne e-posten kan inneholde konfidensiell informasjon og er kun ment "
        "for den tiltenkte mottaker. Har du mottatt den ved en feil, ber vi deg varsle avsender og "
        "ikke videresende den.\n\nTenk på miljøet før du skriver ut denne e-posten."
    )
    for client in clients.CLIENTS.values():
        reply = read(client(text, "nb"))
        assert reply.decision == "approve", (client.__name__, reply.why)


# --- parts and hidden words ------------------------------------------------------------------


def test_parts_that_disagree_decide_nothing():
    raw = clients._mail("Godkjent", "<p>AVVIS: feil person</p>", "nb")
    assert read(raw).why == "parts-differ"
    raw = clients._mail("Godkjent, men vent med 3", "<p>Godkjent</p>", "nb")
    assert read(raw).decision == "unclear"
    raw = clients._mail("Godkjent", "<p>Godkjent?</p>", "nb")
    assert read(raw).decision == "unclear"


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "visibility:hidden",
        "font-size:0",
        "color:#ffffff",
        "opacity:0",
        "max-height:0;overflow:hidden",
        "mso-hide:all",
        "position:absolute;left:-9999px",
    ],
)
def test_hidden_words_decide_nothing(style):
    rich = f'<p>Nei, vent</p><p style="{style}">GODKJENN</p>'
    assert read(clients._mail("", rich, "nb")).decision == "unclear"
    rich = f'<p>Godkjent<span style="{style}"> ikke</span></p>'
    assert read(clients._mail("Godkjent", rich, "nb")).why == "hidden-words"


def test_words_struck_through_decide_nothing():
    assert read(clients._mail("", "<p><s>Godkjent</s></p>", "nb")).decision == "unclear"
    struck = '<p style="text-decoration:line-through">Godkjent</p>'
    assert read(clients._mail("", struck, "nb")).decision == "unclear"


def test_text_that_reorders_itself_decides_nothing():
    assert read(clients._mail("\u202etnejkdoG", "", "nb")).decision == "unclear"
    assert read(clients._mail("Godkjent\u202e", "", "nb")).why == "bidi"


# --- machines --------------------------------------------------------------------------------


def test_an_out_of_office_is_an_autoreply():
    raw = clients.gmail("Godkjent", "nb").replace(
        b"In-Reply-To:", b"Auto-Submitted: auto-replied\r\nIn-Reply-To:", 1
    )
    assert read(raw).decision == "autoreply"


def test_other_machines_decide_nothing():
    mail = Mail(new_text="Godkjent", automatic=Automatic.BOUNCE)
    assert read_reply(mail, WORDS).decision == "unclear"


# --- letters ---------------------------------------------------------------------------------

LETTER = "Hei Ola,\n\nVi har slettet opplysningene dine.\nTo fakturaer beholder vi til 2031."


@each_client
def test_a_new_letter_is_taken_whole_with_its_own_closing(client):
    text = f"ENDRE:\n{LETTER}\n\nMed vennlig hilsen\nEksempel AS"
    reply = read(client(text, "nb"))
    assert reply.decision == "edit"
    assert reply.edited_text == f"{LETTER}\n\nMed vennlig hilsen\nEksempel AS"


def test_the_approvers_own_signature_is_no_part_of_the_letter():
    for written, kept in (
        ("\n\n-- \nKari Leder\nTlf. 900 00 000", ""),
        ("\n\nMvh\nKari Leder\nDaglig leder", "\n\nMvh\nKari Leder"),
        ("\n\nHilsen Kari", "\n\nHilsen Kari"),
        ("\n\nHilsen\nEksempel AS\n\nMvh\nKari Leder", "\n\nHilsen\nEksempel AS"),
    ):
        reply = read(clients.thunderbird(f"ENDRE:\n{LETTER}{written}", "nb"))
        assert reply.edited_text == LETTER + kept


def test_a_remark_about_the_letter_is_no_letter():
    assert read_text("ENDRE: navnet er feil", WORDS).why == "edit-without-letter"
    assert read_text("ENDRE:", WORDS).why == "edit-without-text"


# --- the words themselves --------------------------------------------------------------------


def test_patterns_match_words():
    way = read_pattern("som (foreslått|det står)", {})
    pattern = read_pattern("[herved] (godkjent|ok) [<way>] [<*>]", {"way": way})
    said = "herved ok som det står i dag".split()
    assert sorted(ends(pattern, said, 0, [7] * 7)) == [2, 3, 4, 5, 6, 7]
    assert not ends(pattern, ["herved", "nei"], 0, [2, 2])
    for broken in ("(a|b", "a]", "<unknown> a"):
        with pytest.raises(ValueError):
            read_pattern(broken, {})


def test_a_broken_word_file_is_named(tmp_path):
    (tmp_path / "nb").mkdir()
    for broken in ("[approve]\nstrong = 'nei'", "[approve]\nstrong = ['[ja]']", "x"):
        (tmp_path / "nb" / "decisions.toml").write_text(broken, encoding="utf-8")
        with pytest.raises(ConfigError, match=r"nb/decisions\.toml"):
            load_words(tmp_path, ["nb"])
    with pytest.raises(ConfigError):
        load_words(tmp_path, ["de"])


def test_no_word_of_doubt_is_part_of_an_approval():
    approving = {
        word
        for phrases in WORDS.phrases.values()
        for phrase in phrases
        if phrase.kind in ("strong", "weak", "assent", "act")
        for word in words_of(phrase.node)
    }
    assert not approving & WORDS.doubts


def test_no_reservation_anywhere_in_an_approval_is_overlooked():
    doubts = sorted(WORDS.doubts)
    names = frozenset({"kari", "leder"})
    step = 0
    for decision, text, *_ in SAMPLES:
        if decision != "approve":
            continue
        words = text.split(" ")
        for place in range(len(words) + 1):
            for _ in range(2):
                step += 7
                doubt = doubts[step % len(doubts)]
                for said in (doubt, f"\n{doubt.upper()}\n"):
                    changed = " ".join([*words[:place], said, *words[place:]])
                    assert read_text(changed, WORDS, names).decision != "approve", changed


def test_no_strange_word_and_no_number_is_overlooked():
    names = frozenset({"kari", "leder"})
    # Behind these any harmless word may follow; a number or a sign may not.
    open_ended = re.compile(r"takk|thank|beklager|sorry|har |have |jeg er|i'm|sitter", re.I)
    for decision, text, *_ in SAMPLES:
        if decision != "approve" or "\n" in text:
            continue
        words = text.split(" ")
        strange = () if open_ended.search(text) else ("xyzzy",)
        for place in range(len(words) + 1):
            for said in (*strange, "3", "?", "%", "(", "»", "🙃"):
                changed = " ".join([*words[:place], said, *words[place:]])
                assert read_text(changed, WORDS, names).decision != "approve", changed


def reservations() -> list[str]:
    lines = (ROOT / "tests/replies/reservations.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_no_reservation_in_words_of_its_own_is_overlooked():
    names = frozenset({"kari", "moe"})
    approvals = ("Godkjent", "Ja takk", "Yes, go ahead", "Ja, bitte so ausführen")
    shapes = ("{a}. {r}", "{a}, {r}", "{a} {r}", "{r}. {a}", "{r}, {a}", "{r} {a}", "{a}\n\n{r}",
              "{a} - {r}", "{a}\n\nMvh\nKari\n\n{r}")  # fmt: skip
    for at, reservation in enumerate(reservations()):
        approval = approvals[at % len(approvals)]
        for shape in shapes[at % 2 :: 2]:  # every other one, in turn
            text = shape.format(a=approval, r=reservation)
            assert read_text(text, WORDS, names).decision != "approve", text


# Each set was labelled before it was first read; the figures of that first reading are in README.
REPLIES = sorted((ROOT / "tests/language").glob("replies-dev*.jsonl"))


@pytest.mark.parametrize("file", REPLIES, ids=lambda file: file.stem)
def test_labelled_replies(file):
    measured = bench_replies.measure(file, WORDS)
    assert measured.false_approvals == 0
    assert measured.right >= 0.96 * measured.total, measured.wrong
