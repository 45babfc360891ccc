"""The chain of hashes, without a store."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot import ledger
from mailbot.errors import Permanent
from mailbot.ports import LedgerEntry


def chain(count: int = 5) -> list[LedgerEntry]:
    entries: list[LedgerEntry] = []
    for seq in range(count):
        entries.append(
            ledger.next_entry(
                seq,
                entries[-1].hash if entries else ledger.GENESIS,
                utc=f"2026-03-02T08:00:00.{seq:06d}Z",
                case_id="c1" if seq % 2 else "",
                event="moved",
                reason="begründet",
                facts_sha256=hashlib.sha256(b"%d" % seq).hexdigest(),
            )
        )
    return entries


def test_the_hash_is_what_the_docstring_says():
    first = chain(1)[0]
    document = {
        "case": "",
        "event": "moved",
        "facts_sha256": hashlib.sha256(b"0").hexdigest(),
        "prev": "0" * 64,
        "reason": "begründet",
        "seq": 1,
        "utc": "2026-03-02T08:00:00.000000Z",
    }
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert first.hash == hashlib.sha256(b"mailbot-ledger/1\0" + written.encode()).hexdigest()
    # Computed with sha256sum; a change of it would orphan every ledger there is.
    assert first.hash == "cef16148196d5f6edab5e24f21e8497ac3b9ffe39826aa56d656c2459f2bd4d0"


def test_an_empty_chain_and_a_whole_one_are_good():
    assert ledger.verify([]) == ledger.Verification(entries=0, head=ledger.GENESIS)
    entries = chain()
    good = ledger.verify(entries, {1: entries[0].hash, 5: entries[4].hash})
    assert good == ledger.Verification(entries=5, head=entries[4].hash)
    assert good.ok
    assert entries[4].hash in str(good)


@pytest.mark.parametrize(
    "column", ["prev", "utc", "case_id", "event", "reason", "facts_sha256", "hash"]
)
def test_a_change_of_any_member_is_found(column):
    entries = chain()
    entries[2] = replace(entries[2], **{column: "0" * 63 + "1"})
    bad = ledger.verify(entries)
    assert (bad.bad_seq, bad.why, bad.entries) == (3, "changed", 2)
    assert bad.head == entries[1].hash
    assert not bad.ok
    assert "3 (changed)" in str(bad)


def test_an_entry_written_anew_does_not_fit_the_next():
    entries = chain()
    forged = replace(entries[2], reason="other")
    entries[2] = replace(forged, hash=ledger.entry_hash(forged))
    bad = ledger.verify(entries)
    assert (bad.bad_seq, bad.why) == (4, "unlinked")


def test_a_missing_entry_is_a_gap_and_named_by_its_own_number():
    entries = chain()
    assert ledger.verify(entries[:2] + entries[3:]).bad_seq == 3
    assert ledger.verify(entries[:2] + entries[3:]).why == "gap"
    assert ledger.verify(entries[1:]).bad_seq == 1


def test_reordered_and_repeated_entries_are_told_apart():
    one, two, three, four, five = chain()
    assert ledger.verify([one, three, two, four, five]).why == "reordered"
    repeated = ledger.verify([one, two, two, three])
    assert (repeated.bad_seq, repeated.why) == (2, "repeated")
    assert ledger.verify([replace(one, seq=0), one]).why == "repeated"


def test_only_an_anchor_shows_a_tail_that_was_cut_off_or_written_anew():
    entries = chain()
    assert ledger.verify(entries[:3]).ok
    cut = ledger.verify(entries[:3], {5: entries[4].hash})
    assert (cut.bad_seq, cut.why, cut.entries) == (4, "truncated", 3)

    forged = replace(entries[4], reason="other")
    forged = replace(forged, hash=ledger.entry_hash(forged))
    assert ledger.verify([*entries[:4], forged]).ok
    anew = ledger.verify([*entries[:4], forged], {5: entries[4].hash})
    assert (anew.bad_seq, anew.why) == (5, "anchor")


@pytest.mark.parametrize("odd", ["\ud800", b"bytes"])
def test_what_is_no_text_is_a_change_and_not_a_crash(odd):
    entries = chain(1)
    assert ledger.verify([replace(entries[0], reason=odd)]).why == "changed"
    with pytest.raises(Permanent):
        ledger.entry_hash(replace(entries[0], reason=odd))


@given(st.integers(1, 6), st.data())
def test_no_subset_of_a_chain_but_a_beginning_verifies(count, data):
    entries = chain(count)
    kept = data.draw(st.lists(st.sampled_from(entries), unique_by=lambda entry: entry.seq))
    beginning = kept == entries[: len(kept)]
    assert ledger.verify(kept).ok is beginning
    assert ledger.verify(kept, {count: entries[-1].hash}).ok is (kept == entries)


def test_an_exported_chain_explains_itself_and_can_be_verified_again():
    pairs = [(entry, {"n": entry.seq} if entry.seq > 1 else None) for entry in chain()]
    document = json.loads(json.dumps(ledger.export(pairs)))
    assert document["format"] == "mailbot-ledger/1"
    assert [entry["facts"] for entry in document["entries"][:2]] == [None, {"n": 2}]
    again = list(ledger.exported_entries(document))
    assert again == [entry for entry, _ in pairs]
    assert ledger.verify(again).ok


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"format": "mailbot-ledger/2", "entries": []},
        {"format": "mailbot-ledger/1"},
        {"format": "mailbot-ledger/1", "entries": [{"seq": 1}]},
        {"format": "mailbot-ledger/1", "entries": [7]},
    ],
)
def test_a_malformed_export_is_refused(document):
    with pytest.raises(Permanent):
        list(ledger.exported_entries(document))


def test_anchors_are_found_in_the_mails_that_witnessed_them():
    first, second = chain(2)
    texts = [
        f"Good morning.\n{ledger.anchor_line(1, first.hash)}\nBye.",
        f"> {ledger.anchor_line(2, second.hash)}",
        f"{ledger.anchor_line(1, 'f' * 64)} mailbot-ledger/1 3 short",
    ]
    assert ledger.anchors_in(texts) == {1: first.hash, 2: second.hash}


def test_times_are_texts_that_sort():
    local = timezone(timedelta(hours=1))
    assert ledger.utc_text(datetime(2026, 3, 2, 9, 0, tzinfo=local)) == (
        "2026-03-02T08:00:00.000000Z"
    )
    with pytest.raises(Permanent):
        ledger.utc_text(datetime(2026, 3, 2))
    with pytest.raises(Permanent):
        ledger.utc_text(datetime(1, 1, 1, tzinfo=local))


@given(*[st.datetimes(timezones=st.just(UTC))] * 2)
def test_texts_sort_as_times_do(one, other):
    assert (ledger.utc_text(one) < ledger.utc_text(other)) is (one < other)
