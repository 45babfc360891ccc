"""Each key that is fixed exists, and each that exists is documented in the shipped files."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from mailbot.config import Mailbox
from mailbot.config_model import MailbotFile
from mailbot.datamap import DataMap

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config"


def keys_in(document: Any, at: str = "") -> Iterator[str]:
    """Every key of a TOML document; names that a writer chooses become *."""
    if isinstance(document, list):
        for entry in document:
            yield from keys_in(entry, at)
    elif isinstance(document, dict):
        for key, value in document.items():
            place = f"{at}.{'*' if at in CHOSEN else key}".removeprefix(".")
            yield place
            yield from keys_in(value, place)


# Tables whose keys are names that the writer chooses.
CHOSEN = {
    "approval.required", "key", "retention", "retention.*.reason", "database.title",
    "database.table.title", "database.table.where", "database.table.identify",
    "database.table.personal", "database.table.read", "database.table.replace",
    "database.table.set", "database.table.set.*", "database.table.join.where",
    "database.table.source", "database.table.disclosure.recipient", "exchange.title",
    "manual.title", "manual.task", "database.entra",
    "database.table.source.*",
}  # fmt: skip


def keys_of(model: type[BaseModel], at: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        place = f"{at}.{field.alias or name}".removeprefix(".")
        yield place
        inner = place + ".*" if getattr(field.annotation, "__origin__", None) is dict else place
        for part in models_in(field.annotation):
            yield from keys_of(part, inner)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def uncommented(text: str) -> dict[str, Any]:
    """The file with its commented-out settings taken in as well."""
    lines = [re.sub(r"^# (?=\[?[a-z_.]+\]? *(=|#|$))", "", line) for line in text.splitlines()]
    return tomllib.loads("\n".join(lines))


# Keys of the fixed examples; a checkout beside which the examples lie compares those as well.
MAILBOT = """
mode state secrets organisation datamap templates store.url store.key store.keep_case_years
mailbox.name mailbox.address mailbox.kind mailbox.watch mailbox.poll_seconds mailbox.mark
mailbox.file_into mailbox.drafts_view mailbox.graph.tenant mailbox.graph.client_id
mailbox.graph.certificate mailbox.graph.authority mailbox.graph.base_url mailbox.imap.host
mailbox.imap.port mailbox.imap.security mailbox.imap.user mailbox.imap.password
mailbox.imap.oauth mailbox.smtp.host mailbox.smtp.port mailbox.smtp.security mailbox.smtp.user
mailbox.smtp.password mailbox.smtp.oauth mailbox.ews.endpoint mailbox.ews.user
mailbox.ews.password mailbox.ews.auth mailbox.maildir.path mailbox.maildir.outbox
authenticity.authserv_id authenticity.trusted_hosts authenticity.trust_internal
authenticity.internal_domains approval.mailbox approval.language approval.required
approval.remind_days_left approval.summary approver.address approver.name approver.rights
approver.deputy approver.away approver.controller send_without_approval.identity_code
send_without_approval.receipt identity.code_for deadline.timezone deadline.target_days
classify.open_above classify.ask_above classify.learn classify.learn_keep_months delivery.access
delivery.bounce_hours log.format log.level
"""
DATAMAP = """
own.domains own.phones own.shared_local_parts own.default_region key.*.pattern key.*.ignore
retention.*.law retention.*.reason database.name database.title database.read_url
database.write_url database.schema database.statement_timeout_s database.backup_days
database.table.name database.table.is database.table.where database.table.identify
database.table.personal database.table.read database.table.source database.table.volatile
database.table.erase database.table.keep.columns database.table.keep.until
database.table.keep.rule database.table.set database.table.join.columns
database.table.join.table database.table.join.to database.table.replace
database.table.disclosure.recipient database.table.disclosure.date exchange.name exchange.title
exchange.account exchange.mailboxes exchange.personal exchange.search exchange.erase manual.name
manual.title manual.task manual.rights
"""
FIXED = {"mailbot.toml": MAILBOT.split(), "datamap.toml": DATAMAP.split()}


@pytest.mark.parametrize("name", ["mailbot.toml", "datamap.toml"])
def test_every_fixed_key_is_in_the_shipped_file(name: str) -> None:
    shipped = set(keys_in(uncommented((SHIPPED / name).read_text(encoding="utf-8"))))
    wanted = set(FIXED[name])
    example = ROOT.parent / "shared" / "config" / name
    if example.is_file():
        wanted |= set(keys_in(tomllib.loads(example.read_text(encoding="utf-8"))))
    # These stand in comments beside the key that they belong to.
    beside = {"database.table.join.where", "database.table.join.where.*", "database.table.join.as"}
    assert not wanted - shipped - beside


@pytest.mark.parametrize(
    ("name", "model"), [("mailbot.toml", MailbotFile), ("datamap.toml", DataMap)]
)
def test_every_key_of_the_models_is_documented(name: str, model: type[BaseModel]) -> None:
    text = (SHIPPED / name).read_text(encoding="utf-8")
    names = {key.rpartition(".")[2] for key in keys_of(model)}
    missing = {name for name in names if not re.search(rf"(?<![\w.]){re.escape(name)}\b", text)}
    assert not missing


def test_what_is_commented_out_is_sound_as_well() -> None:
    """Taken in, the examples of other kinds of mailbox are read without a fault of their own."""
    document = uncommented((SHIPPED / "mailbot.toml").read_text(encoding="utf-8"))
    (mailbox,) = document["mailbox"]
    assert {"imap", "smtp", "graph", "ews"} <= set(mailbox)
    for section in ("imap", "smtp"):
        del mailbox[section]["oauth"]
    assert Mailbox.model_validate(mailbox).ews is not None
    assert DataMap.model_validate(
        uncommented((SHIPPED / "datamap.toml").read_text(encoding="utf-8"))
    ).database
