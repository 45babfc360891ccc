"""Reads a matter's Context from the store: every document of a case is known by name here."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from mailbot.case import Classification, Label, Matter, Route, Subject
from mailbot.codec import from_json
from mailbot.errors import Permanent
from mailbot.message import Mail, OutgoingFile
from mailbot.move import Context
from mailbot.plan import Plan, Proposal
from mailbot.ports import KnownMessage, Store, Tx
from mailbot.record import SearchResult

T = TypeVar("T")

NOT_CLASSIFIED = Classification(
    route=Route.ASK, labels=(Label.INFO,), privacy=0.5, language="nb", evidence=()
)


def _document(store: Store, case_id: str, name: str, cls: type[T]) -> T | None:
    data = store.get(case_id, name)
    return None if data is None else from_json(cls, data)


def _texts(document: object) -> tuple[str, ...]:
    return tuple(str(item) for item in document) if isinstance(document, list) else ()


def context_of(store: Store, matter: Matter, now: datetime) -> Context:
    """Everything a step may know. Raises Permanent if the case's key has been destroyed."""
    case = store.case(matter.case_id)
    if case is None:
        raise Permanent(f"matter {matter.id} has no case")

    def read(name: str, cls: type[T]) -> T | None:
        return _document(store, matter.case_id, name, cls)

    request = store.get(case.id, "request")
    mail_id = str(request["mail_id"]) if isinstance(request, dict) else ""
    mail_ids = request["mail_ids"] if isinstance(request, dict) else []
    version = matter.plan_version
    files = store.get(case.id, f"{matter.id}/files/{version}")
    stored_files: Sequence[object] = files if isinstance(files, list) else ()
    passphrase = store.get(case.id, "passphrase")
    assigned = store.get(case.id, "assigned")
    tasks = store.get(case.id, f"{matter.id}/tasks/{version}")
    return Context(
        case=case,
        matter=matter,
        siblings=tuple(m for m in store.matters(case.id) if m.id != matter.id),
        mail=read(f"mail/{mail_id}", Mail),
        mail_id=mail_id,
        mails=tuple(mail for each in mail_ids if (mail := read(f"mail/{each}", Mail))),
        correspondence=frozenset(_texts(store.get(case.id, "correspondence"))),
        classification=read("classification", Classification) or NOT_CLASSIFIED,
        subject=read("subject", Subject) or Subject(),
        result=read(f"{matter.id}/found", SearchResult) or SearchResult(),
        proposal=read(f"{matter.id}/proposal", Proposal),
        plan=read(f"{matter.id}/plan/{version}", Plan),
        files=tuple(from_json(OutgoingFile, file) for file in stored_files),
        passphrase=passphrase if isinstance(passphrase, str) else "",
        approvals=_texts(store.get(case.id, f"{matter.id}/approvals/{version}")),
        effects=tuple(store.effects(matter.id, version)),
        case_key=store.case_key(case.id),
        now=now,
        tasks_told=frozenset(map(int, tasks)) if isinstance(tasks, dict) else frozenset(),
        assigned=assigned if isinstance(assigned, str) else "",
    )


def into_case_file(store: Store, tx: Tx, case_id: str, mail: Mail) -> None:
    """Mail of the case itself is kept, told of, and no record to be found (DESIGN § 8)."""
    ids = _texts(store.get(case_id, "correspondence"))
    if mail.message_id and mail.message_id not in ids:
        tx.put(case_id, "correspondence", [*ids, mail.message_id])
        tx.know_message(
            KnownMessage(
                message_id=mail.message_id,
                case_id=case_id,
                matter_id="",
                plan_version=0,
                kind="correspondence",
            )
        )


NOT_PRIVACY = "not-privacy"  # the note of a matter that staff said was none


def of_cases(store: Store, message_ids: Iterable[str]) -> frozenset[str]:
    """Those Message-IDs that belong to the file of a case: no records of anybody (DESIGN § 8).

    A mail that staff said was no privacy request is ordinary mail again, and a record like others.
    """
    known = store.known_messages(message_ids)
    cases = {
        case_id
        for case_id in {one.case_id for one in known}
        if any(matter.note != NOT_PRIVACY for matter in store.matters(case_id))
    }
    return frozenset(one.message_id for one in known if one.case_id in cases)
