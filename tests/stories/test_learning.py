"""What staff decide is learnt, locally, within bounds, and forgotten in time."""

import threading
from pathlib import Path

from mailbot.case import State
from mailbot.language.lessons import Trial, Verdict
from mailbot.learning import ADOPTED, NOTHING, REFUSED, Learning, in_a_sentence
from mailbot.lessons import lessons_in_force
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, World, world

# A kind of mail that the shipped model is unsure of: a former employee in the system.
LEAVERS = (
    (
        "drift@malmbygg.example",
        "Vennligst deaktiver og fjern Ola fra systemet, han har sluttet her.",
    ),
    ("post@fjellvik.example", "Vennligst fjern Marte Olsen fra systemet, hun har sluttet her."),
    ("kontor@havna.example", "Vennligst fjern Jon fra systemet, han har sluttet."),
)
ALIKE = "Vennligst fjern Per Tangen fra systemet, han har sluttet."


def taught(made: World) -> None:
    for sender, text in LEAVERS:
        made.write(sender, "Sluttet", text)
        made.reply(made.question(), "IKKE PERSONVERN")
        assert made.matters()[-1].state is State.CLOSED


def lessons(made: World) -> int:
    months = made.parts.settings.classify.learn_keep_months
    return len(lessons_in_force(made.parts.store, made.clock.now(), months))


def verdict(reach: float | None) -> Verdict:
    return Verdict(lessons=0, mails=9, before=(0, 4, 0), after=(1, 0, 0), reach=reach)


def with_runner(made: World, reach: float | None) -> Learning:
    """The same learning with a trial whose outcome we choose."""
    own = made.daemon.learning

    def run(trial: Trial, stopping: threading.Event) -> Verdict:
        return verdict(reach)

    return Learning(made.parts.store, own.reader, own.settings, made.clock, run)


def test_three_times_not_privacy_and_alike_mail_is_no_longer_asked_about(small: World):
    small.write("annet@sted.example", "Sluttet", ALIKE)
    before = len(small.questions())
    assert before == 1  # the shipped model is unsure of this kind
    small.reply(small.question(), "IKKE PERSONVERN")
    taught(small)
    small.clock.pass_time(hours=1)
    small.once()  # a quiet moment: the trial is held, in a process of its own
    assert small.reasons("lessons-tried") == [ADOPTED]
    asked = len(small.questions())
    small.write("nytt@firma.example", "Sluttet", ALIKE.replace("Per Tangen", "Siri"))
    assert len(small.questions()) == asked
    # What staff did not see is judged by itself, and what is clear stays clear.
    small.write(
        "enda@flere.example",
        "Sluttet",
        ALIKE + " Jeg vil også ha slettet alle personopplysninger dere har lagret om meg selv.",
    )
    small.write(INGRID, "Sletting", ERASE)
    assert len(small.questions()) == asked + 2


def test_nothing_readable_is_kept_and_no_name_or_address_stands_in_the_store(small: World):
    taught(small)
    store = small.parts.store
    assert lessons(small) == 3
    for _, name, document in (*store.found("lesson/"), *store.found("traits/")):
        assert all(isinstance(each, int) for each in document["traits"]), name
        assert not {"text", "subject", "names"} & document.keys()
    raw = b"".join(
        path.read_bytes()
        for path in Path(small.stage.state).rglob("*")
        if path.is_file() and "demo" not in path.parts
    )
    assert raw
    for word in ("Marte", "Olsen", "fjellvik", "ansatt", "brukeren", "drift@"):
        for form in (word, word.lower()):
            assert form.encode() not in raw


def test_lessons_go_with_an_erasure_of_the_person(small: World):
    small.write(INGRID, "Sluttet", LEAVERS[0][1])
    small.reply(small.question(), "IKKE PERSONVERN")
    taught(small)
    assert lessons(small) == 4
    learning = with_runner(small, 0.4)
    assert learning.hold() == ADOPTED
    assert learning.refresh() is not None
    small.write(INGRID, "Sletting", ERASE)
    small.reply(small.question(), "Godkjent")
    assert lessons(small) == 3
    assert learning.refresh() is None  # out of use at once, until the rest is tried anew
    assert learning.hold() == ADOPTED
    assert len(learning.refresh().lessons) == 3


def test_lessons_go_with_the_key_of_their_case(small: World):
    taught(small)
    case = next(case for case in small.cases() if case.closed)
    small.parts.store.destroy_case_key(case.id)
    assert lessons(small) == 2


def test_lessons_expire(small: World):
    taught(small)
    learning = with_runner(small, 0.4)
    learning.hold()
    assert learning.refresh() is not None
    small.clock.pass_time(days=366)
    assert learning.refresh() is None
    assert lessons(small) == 0
    assert learning.hold() == NOTHING
    assert list(small.parts.store.found("lesson/")) == []
    assert list(small.parts.store.found("traits/")) == []


def test_what_does_worse_than_before_is_not_adopted_and_says_so(small: World):
    taught(small)
    learning = with_runner(small, None)
    assert learning.hold() == REFUSED
    assert learning.refresh() is None
    assert small.reasons("lessons-tried") == [REFUSED]
    assert "worse" in in_a_sentence(small.parts.store)
    assert not learning.due()  # not again with the same lessons


def test_a_correction_names_the_right_and_one_wrong_right_is_not_an_ordinary_mail(small: World):
    small.write(
        INGRID, "Mine data", "Send meg en kopi av alt dere har om meg, og slett det deretter."
    )
    rights = {matter.right.value: matter for matter in small.matters()}
    assert set(rights) == {"access", "erasure"}
    small.reply(small.question(), "IKKE PERSONVERN")
    (lesson,) = lessons_in_force(small.parts.store, small.clock.now(), 12)
    assert lesson.privacy is None
    assert [right.value for right in lesson.denied] == ["access"]


def test_one_sender_teaches_only_so_much(small: World):
    for name in ("Siri", "Kari Lie", "Jon", "Marte Olsen", "Ola", "Per Berg", "Nina", "Liv Dahl"):
        small.write(INGRID, "Sluttet", ALIKE.replace("Per Tangen", name))
        small.reply(small.question(), "IKKE PERSONVERN")
    assert lessons(small) == 6


def test_nothing_is_kept_where_learning_is_off(tmp_path: Path):
    with world(tmp_path, lambda text: text.replace("learn      = true", "learn = false")) as made:
        taught(made)
        assert list(made.parts.store.found("lesson/")) == []
        assert list(made.parts.store.found("traits/")) == []
        assert not made.daemon.learning.due()


def test_what_was_kept_for_learning_goes_once_a_case_is_decided_or_learning_is_off(small: World):
    small.write(INGRID, "Sletting", ERASE)
    assert len(list(small.parts.store.found("traits/"))) == 1
    small.reply(small.question(), "IKKE PERSONVERN")
    small.clock.pass_time(hours=7)
    own = small.daemon.learning
    Learning(small.parts.store, own.reader, own.settings, small.clock).refresh()
    assert list(small.parts.store.found("traits/")) == []
    assert lessons(small) == 1
    off = own.settings.model_copy(update={"learn": False})
    Learning(small.parts.store, own.reader, off, small.clock).refresh()
    assert list(small.parts.store.found("lesson/")) == []
