"""What the shipped model makes of plain cases, hostile text, and itself.

The figures of the issue are measured by tests/bench/classify.py; here stand only cases on which
nobody would hesitate.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mailbot.case import Label, Route
from mailbot.errors import Permanent
from mailbot.language.classifier import Classifier
from mailbot.language.corpus import read_corpus, read_line
from mailbot.language.model import load, save, shipped_model
from mailbot.language.staleness import digest_of_corpus
from tests.timing import quickest


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


REQUESTS = [
    ("", "Slett meg fra systemet deres.", Label.ERASURE, "nb"),
    ("Sletting", "Hei, kan dere slette alt dere har om meg? Mvh Ola", Label.ERASURE, "nb"),
    ("", "Jeg krever innsyn etter personvernforordningen artikkel 15.", Label.ACCESS, "nb"),
    ("", "Hvilke opplysninger har dere lagret om meg?", Label.ACCESS, "nb"),
    ("", "Ikke send meg flere nyhetsbrev!", Label.OBJECTION, "nb"),
    ("", "Eg vil vite kva de har lagra om meg.", Label.ACCESS, "nn"),
    ("", "Kan de slette alle opplysningane de har om meg?", Label.ERASURE, "nn"),
    ("", "Please delete all personal data you hold about me.", Label.ERASURE, "en"),
    ("Subject access request", "I would like a copy of my data.", Label.ACCESS, "en"),
    ("", "I withdraw my consent to the processing of my data.", Label.CONSENT_WITHDRAWAL, "en"),
    ("", "Stop sending me marketing e-mails.", Label.OBJECTION, "en"),
    ("", "Radera alla uppgifter ni har om mig.", Label.ERASURE, "sv"),
    ("", "Vilka personuppgifter har ni sparat om mig?", Label.ACCESS, "sv"),
    ("", "Slet venligst alle de oplysninger, I har gemt om mig.", Label.ERASURE, "da"),
    ("", "Jeg vil gerne have indsigt i, hvilke oplysninger I har om mig.", Label.ACCESS, "da"),
    ("", "Bitte löschen Sie alle Daten, die Sie über mich gespeichert haben.", Label.ERASURE, "de"),
    ("", "Hiermit widerrufe ich meine Einwilligung.", Label.CONSENT_WITHDRAWAL, "de"),
    ("", "Ich verlange Auskunft über meine gespeicherten Daten.", Label.ACCESS, "de"),
    (
        "Problem med utskrift",
        "Hei\n\nEtter oppdateringen i går får vi ikke skrevet ut følgesedler. Skriveren virker "
        "fint fra andre programmer. Vi har prøvd å starte på nytt.\n\nEn ting til: jeg slutter på "
        "fredag, og vil at dere sletter alle personopplysninger dere har om meg.\n\nMvh Kari",
        Label.ERASURE,
        "nb",
    ),
]

ORDINARY = [
    ("", "Skriveren virker ikke etter siste oppdatering."),
    ("Faktura", "Kan dere sende fakturaen på nytt? Beløpet stemmer ikke med ordren."),
    ("", "How do I add a column to the report?"),
    ("Invoice 1042", "Please find attached the invoice for May."),
    ("Møte", "Passer det med møte torsdag klokka 10?"),
    ("", "Rapporten krasjer når jeg åpner den. Feilmelding 0x80."),
    ("", "Vi trenger tre lisenser til fra 1. mars."),
    ("", "Die Anwendung stürzt beim Öffnen des Berichts ab."),
    ("", "Programmet hänger sig när jag skriver ut rapporten."),
    ("", "Hvornår bliver pakken leveret?"),
]


@pytest.mark.parametrize(("subject", "text", "label", "language"), REQUESTS)
def test_plain_requests_are_opened(
    classifier: Classifier, subject: str, text: str, label: Label, language: str
) -> None:
    said = classifier.classify(subject, text)
    assert said.route is not Route.LEAVE
    assert label in said.labels
    assert Label.NOT_PRIVACY not in said.labels
    assert said.language == language
    assert said.evidence
    assert all(0 <= said.privacy <= 1 for _ in said.evidence)


@pytest.mark.parametrize(("subject", "text"), ORDINARY)
def test_plain_support_mail_is_left_alone(classifier: Classifier, subject: str, text: str) -> None:
    said = classifier.classify(subject, text)
    assert said.route is Route.LEAVE
    assert said.labels == (Label.NOT_PRIVACY,)
    assert said.evidence == ()


@pytest.mark.parametrize("text", ["", "  \n", "Hei, se vedlagt brev.\n\nMvh Ola", "\u200b\u200b"])
def test_a_mail_that_only_carries_a_file_is_asked_about(classifier: Classifier, text: str) -> None:
    assert classifier.classify("", text, attachments=True).route is Route.ASK


def test_an_empty_mail_is_left_alone(classifier: Classifier) -> None:
    assert classifier.classify("", "").route is Route.LEAVE


def test_a_request_in_the_subject_alone_is_opened(classifier: Classifier) -> None:
    said = classifier.classify("Slett alle opplysninger om meg", "")
    assert said.route is not Route.LEAVE
    assert said.labels == (Label.ERASURE,)


def test_several_rights_in_one_mail(classifier: Classifier) -> None:
    said = classifier.classify(
        "", "Send meg en kopi av alt dere har om meg. Deretter vil jeg at dere sletter det."
    )
    assert {Label.ACCESS, Label.ERASURE} <= set(said.labels)


def test_marketing_is_marked(classifier: Classifier) -> None:
    said = classifier.classify("", "Ta meg av nyhetsbrevet og slutt å sende meg reklame.")
    assert said.labels == (Label.OBJECTION,)
    assert said.marketing


def test_info_has_topics(classifier: Classifier) -> None:
    said = classifier.classify("", "Hvor har dere fått e-postadressen min fra?")
    assert Label.INFO in said.labels
    assert "source" in said.topics


def test_thanks_above_a_quoted_request_are_not_a_request(classifier: Classifier) -> None:
    said = classifier.classify(
        "Re: Sletting",
        "Tusen takk for rask hjelp!\n\nMvh Ola\n\nFra: Support\nSendt: 3. mars 2025 10:00\n"
        "Til: Ola\nEmne: Re: Sletting\n\nVi har slettet alle opplysninger om deg.\n\n"
        "> Jeg vil at dere sletter alt dere har om meg.",
    )
    assert said.route is Route.LEAVE


@pytest.mark.parametrize(
    ("new", "labels"),
    [
        ("Ja, alt sammen.\n\nOla", {Label.ERASURE}),
        ("Purrer på denne. Når kommer svaret?\n\nOla", {Label.ERASURE}),
    ],
)
def test_an_answer_to_a_quoted_question_is_read_with_it(
    classifier: Classifier, new: str, labels: set[Label]
) -> None:
    said = classifier.classify(
        "Re: Konto", f"{new}\n\nFra: Support\nSendt: 3. mars 2025 10:00\nTil: Ola\n"
        "Emne: Konto\n\nHei, vil du at vi sletter alle opplysninger vi har om deg?"
    )  # fmt: skip
    assert said.route is not Route.LEAVE
    assert labels <= set(said.labels)


def test_a_clear_request_is_not_drowned_by_ordinary_sentences(classifier: Classifier) -> None:
    text = "Vi er fornøyde med programmet deres. " * 400
    for whole in (text + "Slett alt dere har om meg.", "Slett alt dere har om meg. " + text):
        assert classifier.classify("Tilbakemelding", whole).route is not Route.LEAVE


def test_a_refusal_above_a_quoted_question_is_no_request(classifier: Classifier) -> None:
    said = classifier.classify(
        "Re: Konto",
        "Nei, behold alt som det er!\n\n> Hei, vil du at vi sletter alle opplysninger om deg?",
    )
    assert said.route is not Route.OPEN


def test_a_privacy_footer_does_not_make_a_request(classifier: Classifier) -> None:
    said = classifier.classify(
        "Tilbud på skjermer",
        "Hei!\n\nKan dere gi oss pris på ti skjermer, levert før jul?\n\nMvh Per\n\n"
        "Denne e-posten kan inneholde konfidensiell informasjon. Vi behandler personopplysninger "
        "i samsvar med GDPR. Les personvernerklæringen vår på nettsiden.",
    )
    assert said.route is Route.LEAVE


@pytest.mark.parametrize(
    "disguised", ["S\u200blett m\u200beg fr\u200ba registeret", "Ѕlеtt mеg frа rеgistеrеt"]
)
def test_disguise_changes_nothing(classifier: Classifier, disguised: str) -> None:
    plain = classifier.classify("", "Slett meg fra registeret")
    hidden = classifier.classify("", disguised)
    assert hidden.labels == plain.labels
    assert hidden.privacy == pytest.approx(plain.privacy)


@pytest.mark.parametrize("ordinary", [5, 20, 100, 500])
def test_a_clear_request_is_heard_before_and_after_many_ordinary_sentences(
    classifier: Classifier, ordinary: int
) -> None:
    request = "Jeg vil ha slettet alle opplysninger dere har om meg."
    text = "Vi er fornøyde med programmet deres. " * ordinary + request
    assert classifier.classify("", text).route is not Route.LEAVE
    assert classifier.classify("", f"{request} {text}").route is not Route.LEAVE


def test_a_text_too_long_to_read_whole_is_never_left_alone(classifier: Classifier) -> None:
    text = "Skriveren virker ikke. " * 40_000
    assert quickest(lambda: classifier.classify("", text)) < 1.0
    assert classifier.classify("", text).route is not Route.LEAVE


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "nei\n" * 100_000,
        " ".join(f"w{n}x" for n in range(150_000)),
        "Zа" * 500_000,
    ],
    ids=["no-spaces", "lines", "distinct-words", "mixed-script"],
)
def test_hostile_text_is_classified_in_under_a_second(classifier: Classifier, text: str) -> None:
    assert quickest(lambda: classifier.classify(text, text)) < 1.0


def test_the_same_mail_gets_the_same_answer_whatever_came_before() -> None:
    mail = ("Sletting", "Hei, slett meg. Og send en kopi først.")
    fresh = Classifier.load()
    used = Classifier.load()
    for subject, text, _, _ in REQUESTS:
        used.classify(subject, text)
    used.classify("", " ".join(f"ord{n}" for n in range(30_000)))
    assert fresh.classify(*mail) == used.classify(*mail)


def test_thresholds_move_the_routes(classifier: Classifier) -> None:
    text = "Skriveren virker ikke."
    assert Classifier.load(open_above=1e-9, ask_above=0.0).classify("", text).route is Route.OPEN
    assert Classifier.load(open_above=1.1, ask_above=0.0).classify("", text).route is Route.ASK


def test_inference_needs_neither_scikit_learn_nor_scipy() -> None:
    code = (
        "import sys; from mailbot.language.classifier import Classifier; "
        "Classifier.load().classify('', 'Slett meg'); "
        "print([n for n in ('sklearn', 'scipy', 'joblib') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_the_model_loads_fast_and_is_small() -> None:
    assert quickest(Classifier.load) < 0.3
    assert len(shipped_model().read_bytes()) < 40_000_000


def test_the_shipped_model_belongs_to_the_shipped_corpus() -> None:
    assert load(shipped_model()).digest == digest_of_corpus(), (
        "corpus, concepts or features changed: run `python -m mailbot.language.fit`"
    )


def test_a_model_survives_saving(tmp_path: Path) -> None:
    model = load(shipped_model())
    save(model, tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    assert np.array_equal(again.words.hashes, model.words.hashes)
    assert np.array_equal(again.words.rows, model.words.rows)
    assert again.digest == model.digest
    assert Classifier.load(folder=tmp_path).classify("", "Slett meg").route is Route.OPEN


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04broken"])
def test_a_damaged_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.npz").write_bytes(content)
    with pytest.raises(Permanent):
        Classifier.load(folder=tmp_path)


def test_the_corpus_reads_and_is_balanced() -> None:
    examples = read_corpus()
    ordinary = sum(not example.privacy for example in examples)
    assert 0.35 < ordinary / len(examples) < 0.65
    assert {"nb", "nn", "en", "sv", "da", "de"} <= {example.language for example in examples}


@pytest.mark.parametrize(
    "line", ["erasure", "erasure\t", "\ttext", "deletion\ttext", "erasure,not_privacy\ttext",
             "access:marketing\ttext"],
)  # fmt: skip
def test_faulty_corpus_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"label|right|expected"):
        read_line(line, "nb", "test")


def test_corpus_lines_are_read() -> None:
    example = read_line("objection:marketing,info:source\tHei || Stopp.\\nHvorfra?", "nb", "x")
    assert example.labels == {Label.OBJECTION, Label.INFO}
    assert example.marketing
    assert example.topics == {"source"}
    assert (example.subject, example.text) == ("Hei", "Stopp.\nHvorfra?")
