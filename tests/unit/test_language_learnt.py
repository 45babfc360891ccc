"""What staff taught moves mail that is alike, by one route at most, and nothing else."""

from datetime import UTC, datetime

import pytest

from mailbot.case import Label, Route
from mailbot.language.classifier import Classifier
from mailbot.language.lessons import REACHES, Layer, Lesson
from mailbot.language.traits import MOST

TAUGHT = (
    "Vennligst deaktiver og fjern Ola fra systemet, han har sluttet her.",
    "Vennligst fjern Marte Olsen fra systemet, hun har sluttet her.",
    "Vennligst fjern Jon fra systemet, han har sluttet.",
)
ALIKE = "Vennligst fjern Per Tangen fra systemet, han har sluttet."
REQUESTS = (
    "Kan dere slette brukeren min og alt dere vet om meg?",
    "Jeg vil ha slettet alle opplysninger dere har om meg.",
    "I want a copy of all personal data you hold about me.",
    "Jeg krever innsyn i hva dere har lagret om meg.",
)


@pytest.fixture(scope="module")
def plain() -> Classifier:
    return Classifier.load(0.85, 0.15)


def lesson(plain: Classifier, number: int, text: str, **more: object) -> Lesson:
    fields = {"sender": f"s{number}", "proven": True, "privacy": False, **more}
    return Lesson(
        id=f"m{number}",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        traits=plain.traits("", text),
        **fields,
    )


def taught(plain: Classifier, *lessons: Lesson) -> Classifier:
    return plain.taught(Layer(lessons=lessons, reach=min(REACHES)))


def lessons(plain: Classifier, **more: object) -> list[Lesson]:
    return [lesson(plain, number, text, **more) for number, text in enumerate(TAUGHT)]


def test_alike_mail_is_left_alone_and_a_clear_request_is_not(plain):
    after = taught(plain, *lessons(plain))
    assert plain.classify("", ALIKE).route is not Route.LEAVE
    assert after.classify("", ALIKE).route is Route.LEAVE
    for request in REQUESTS:
        assert after.classify("", request) == plain.classify("", request)


def test_without_lessons_it_is_the_shipped_model_to_the_last_bit(plain):
    assert taught(plain) == plain


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_beside_what_staff_saw_is_judged_by_itself(plain, request_):
    after = taught(plain, *lessons(plain))
    for text in (f"{ALIKE} {request_}", f"{request_}\n\n{ALIKE}", f"{ALIKE}\n\n{request_.title()}"):
        assert after.classify("", text).route is not Route.LEAVE, text


def test_what_opens_a_case_is_never_left_alone(plain):
    """However many say that the very same words are no request."""
    request = REQUESTS[1]
    many = [lesson(plain, number, request) for number in range(50)]
    assert plain.classify("", request).route is Route.OPEN
    assert taught(plain, *many).classify("", request).route is not Route.LEAVE


def test_what_was_left_alone_is_asked_about_at_most(plain):
    text = "Hei, vi vil gjerne bestille to nye lisenser til regnskapsprogrammet."
    many = [lesson(plain, number, text, privacy=True) for number in range(50)]
    assert plain.classify("", text).route is Route.LEAVE
    assert taught(plain, *many).classify("", text).route is Route.ASK


def test_one_sender_counts_little_more_than_once_and_the_unproven_as_two(plain):
    text = TAUGHT[1]
    one = taught(plain, *[lesson(plain, n, text, sender="same") for n in range(30)])
    unproven = taught(plain, *[lesson(plain, n, text, proven=False) for n in range(30)])
    several = taught(plain, *[lesson(plain, n, text) for n in range(30)])
    privacy = [each.classify("", text).privacy for each in (plain, one, unproven, several)]
    assert privacy == sorted(privacy, reverse=True)
    assert len(set(privacy)) == 4


def test_contradicting_lessons_cancel_out(plain):
    both = [
        lesson(plain, 1, TAUGHT[1]),
        lesson(plain, 2, TAUGHT[1], privacy=True),
    ]
    before, after = plain.classify("", TAUGHT[1]), taught(plain, *both).classify("", TAUGHT[1])
    assert after.privacy == pytest.approx(before.privacy)


def test_a_named_right_is_heard_in_alike_mail(plain):
    text = "Det gamle nummeret mitt står der fortsatt."
    named = [
        lesson(plain, n, text, privacy=True, said=(Label.ERASURE,), denied=(Label.RECTIFICATION,))
        for n in range(3)
    ]
    assert plain.classify("", text).labels == (Label.RECTIFICATION,)
    assert Label.ERASURE in taught(plain, *named).classify("", text).labels


def test_words_that_name_people_leave_no_trait(plain):
    """The same mail about other people, places and numbers has the same traits."""
    one = (
        "Jeg heter Ragnhild Brattvåg og bor i Fjellveien 17, 6413 Molde. Fødselsnummeret er"
        " 01017012345, telefon 900 11 222, e-post ragnhild@brattvag.no. Slett brukeren, takk."
    )
    other = (
        "Jeg heter Torgeir Uthaug og bor i Havnegata 4, 7142 Uthaug. Fødselsnummeret er"
        " 31129954321, telefon 400 33 444, e-post torgeir@uthaug.org. Slett brukeren, takk."
    )
    assert plain.traits("", one) == plain.traits("", other)
    small = "slett ragnhild brattvåg fra registeret"
    assert plain.traits("", small) == plain.traits("", "slett oddlaug uthaug fra registeret")
    signed = "Slett brukeren. Mvh Kari Moe"
    assert plain.traits("", signed, "Kari Moe") == plain.traits("", "Slett brukeren. Mvh")


def test_traits_are_bounded_and_the_unread_rest_is_not_taken_for_seen(plain):
    long = (
        ALIKE
        + " "
        + " ".join(f"ord{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}x" for n in range(3000))
    )
    assert len(plain.traits("", long)) <= MOST
    after = taught(plain, *lessons(plain))
    text = ALIKE + "\n\n" + "Vi er fornøyde med programmet deres. " * 500 + REQUESTS[1]
    assert after.classify("", text).route is not Route.LEAVE
