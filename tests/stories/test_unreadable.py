"""A mail that defeats the reader: kept, shown to a person, and in nobody's way."""

import os
import signal

from mailbot import demo_scene as scene
from mailbot.case import State
from mailbot.reader import Reader
from mailbot.trust import trust_of
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, World


def test_it_is_set_aside_for_a_person_and_its_neighbours_are_settled(small: World):
    def mail(sender: str, subject: str, text: str) -> bytes:
        return scene.mail(sender, "", subject, text, small.clock.now(), f"{sender[0]}@x.example")

    odd = mail("a@privat.example", "Spørsmål", "Hvordan installerer jeg programmet?")
    with Reader(trust_of(small.stage.settings), seconds=8.0) as reader:
        small.daemon.intake.reader = reader
        os.kill(reader.pid, signal.SIGSTOP)  # as if the first mail made it hang
        small.stage.deliver(odd)
        small.stage.deliver(mail(INGRID, "Sletting", ERASE))
        small.stage.deliver(mail("b@privat.example", "Frakt", "Hva koster frakten til Bodø?"))
        small.once()
    ledger = [entry for entry, _ in small.parts.store.ledger()]
    assert [e.reason for e in ledger if e.event == "mail-set-aside"] == ["unreadable-time"]
    (aside,) = [m for case in small.cases() for m in small.parts.store.mails(case.id, "set-aside")]
    assert small.parts.store.raw(aside.id) == odd
    assert [matter.state for matter in small.matters()] == [State.ASKED, State.ASKED]
    assert len(small.questions()) == 2
    assert len(small.parts.store.mails(None, "left")) == 1
    assert small.parts.store.new_mails() == []
