"""What staff decided about a mail, kept for learning as long as it may be, and no longer.

When a mail may become a question, the reader finds its traits (language/traits.py): numbers, with
names, addresses and numbers of the mail left out. They lie in the case (`traits/MAIL`), under its
key. When staff say what the mail is, they become a lesson (`lesson/MAIL`), with the decision, the
day, and a keyed hash of the sender. Both go with the case's key (purge), with an erasure of the
person, and after `classify.learn_keep_months`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from dateutil.relativedelta import relativedelta

from mailbot.case import ENDED, Label, Matter
from mailbot.codec import from_json, to_json
from mailbot.language.lessons import MOST_LESSONS, Lesson
from mailbot.message import Mail, Verdict
from mailbot.move import Move
from mailbot.ports import Store, Tx

NOT_PRIVACY = "not-privacy"
_LESSON, _TRAITS = "lesson/", "traits/"
# Reasons of moves by which staff say what a mail is (steps/decide.py).
_SAYS = frozenset({NOT_PRIVACY, "privacy-confirmed", "right-named", "right-corrected"})
_PER_CASE = 3  # who writes on and on teaches no more than others do
_PER_SENDER = 6


def keep_traits(
    store: Store, tx: Tx, case_id: str, mail_id: str, mail: Mail, traits: Sequence[int]
) -> None:
    """Keep what a mail may teach once staff have decided."""
    if traits and mail.sender is not None:
        document = {
            "traits": list(traits),
            "sender": store.blind(mail.sender.address),
            "proven": mail.authentication.verdict is Verdict.PASS,
        }
        tx.put(case_id, f"{_TRAITS}{mail_id}", document)


def learn(store: Store, tx: Tx, matter: Matter, move: Move, now: datetime) -> bool:
    """Staff said by `move` what the mail of a matter (as it was before) is: keep that.

    Within the transaction of the move. False: there is nothing to learn from it.
    """
    if move.reason not in _SAYS:
        return False
    mail_id = _mail_of(store, matter)
    kept = store.get(matter.case_id, f"{_TRAITS}{mail_id}") if mail_id else None
    if not isinstance(kept, dict):
        return False
    name = f"{_LESSON}{mail_id}"
    lessons = _held(store)
    of_case = {other for case_id, other, _ in lessons if case_id == matter.case_id}
    of_sender = sum(lesson.sender == kept["sender"] for _, _, lesson in lessons)
    if name not in of_case and (len(of_case) >= _PER_CASE or of_sender >= _PER_SENDER):
        return False
    privacy, said, denied = _meaning(store, matter, move)
    lesson = Lesson(
        id=mail_id,
        at=now,
        traits=tuple(kept["traits"]),
        sender=kept["sender"],
        proven=kept["proven"],
        privacy=privacy,
        said=said,
        denied=denied,
    )
    tx.put(matter.case_id, name, to_json(lesson))
    return True


def lessons_in_force(store: Store, now: datetime, months: int) -> tuple[Lesson, ...]:
    """The newest lessons that may still be used, oldest first."""
    oldest = now - relativedelta(months=months)
    fresh = [lesson for _, _, lesson in _held(store) if lesson.at > oldest]
    fresh.sort(key=lambda lesson: (lesson.at, lesson.id))
    return tuple(fresh[-MOST_LESSONS:])


def forget_person(store: Store, tx: Tx, case_id: str, addresses: Iterable[str]) -> None:
    """Nothing is learnt any more from mail of a person whose data were erased (GDPR art. 17)."""
    senders = {store.blind(address) for address in addresses}
    for owner, name, document in _all(store):
        if owner == case_id or (isinstance(document, dict) and document.get("sender") in senders):
            tx.drop(owner, name)


def expire(store: Store, tx: Tx, now: datetime, months: int) -> int:
    """Forget lessons past their time, and traits of cases where all is decided. How many went."""
    oldest = now - relativedelta(months=months)
    gone = [(case_id, name) for case_id, name, lesson in _held(store) if lesson.at <= oldest]
    ended: dict[str, bool] = {}
    for case_id, name, _ in store.found(_TRAITS):
        if case_id not in ended:
            ended[case_id] = all(each.state in ENDED for each in store.matters(case_id))
        if ended[case_id]:
            gone.append((case_id, name))
    for case_id, name in gone:
        tx.drop(case_id, name)
    return len(gone)


def _all(store: Store) -> list[tuple[str, str, object]]:
    return [*store.found(_LESSON), *store.found(_TRAITS)]


def _held(store: Store) -> list[tuple[str, str, Lesson]]:
    return [
        (case_id, name, from_json(Lesson, document))
        for case_id, name, document in store.found(_LESSON)
    ]


def _mail_of(store: Store, matter: Matter) -> str:
    """The mail that opened a matter (its id holds the beginning of the mail's, see entry.py)."""
    request = store.get(matter.case_id, "request")
    ids = [str(each) for each in request.get("mail_ids", [])] if isinstance(request, dict) else []
    parts = matter.id.split("-")
    short = parts[2] if len(parts) > 2 else ""
    return next((each for each in ids if short and each.startswith(short)), ids[0] if ids else "")


def _meaning(
    store: Store, matter: Matter, move: Move
) -> tuple[bool | None, tuple[Label, ...], tuple[Label, ...]]:
    """Whether it is privacy mail, the rights that staff named, and those they took back."""
    said = (move.changes.get("right", matter.right), *move.opens)
    if move.reason == NOT_PRIVACY:
        mail_id = _mail_of(store, matter)
        others = [
            sibling
            for sibling in store.matters(matter.case_id)
            if sibling.id != matter.id
            and sibling.note != NOT_PRIVACY
            and _mail_of(store, sibling) == mail_id
        ]
        # The mail asks for something else: only this right was heard wrongly.
        return (None if others else False), (), (matter.right,)
    if move.reason == "right-corrected" and matter.right not in said:
        return True, said, (matter.right,)
    return True, said, ()
