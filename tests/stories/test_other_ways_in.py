"""Further ways in: a category set by hand, junk, a forward; and a colleague's own answer."""

import os
import time
from datetime import timedelta
from email.message import EmailMessage

from mailbot import demo_scene as scene
from mailbot.case import Label, State
from mailbot.mailboxes.maildir_marks import MARKS
from tests.stories.test_straight_way import ERASE
from tests.stories.world import INGRID, KARI, World, letter

STRANGER = "uno@ukjent.example"
SUPPORT = "support@example.no"
ORDINARY = "Hvordan installerer jeg programmet på en ny maskin?"


def put(world: World, raw: bytes, folder: str = "", days: float = 0) -> str:
    """A mail lies in a folder; its unique name."""
    box = world.stage.inbox / f".{folder}" if folder else world.stage.inbox
    for part in ("tmp", "new", "cur"):
        (box / part).mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns()}.story"
    path = box / "cur" / f"{name}:2,S"
    path.write_bytes(raw)
    then = (world.clock.now() - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))
    return name


def mark(world: World, unique: str) -> None:
    with (world.stage.inbox / MARKS).open("a") as file:
        file.write(f"{unique}\tPersonvern\n")


def mail(world: World, sender: str, text: str, **more: str) -> bytes:
    number = f"{world.clock.now().timestamp()}@{sender.rpartition('@')[2]}"
    return scene.mail(sender, "", "Hei", text, world.clock.now(), number, **more)


def answer(world: World, sender: str, to: str, answers: str, **headers: str) -> bytes:
    """As it lies in Sent: no server of ours wrote a line above it."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, "Sv: Sletting"
    made["Message-ID"] = f"<{world.clock.now().timestamp()}@example.no>"
    made["In-Reply-To"] = made["References"] = f"<{answers}>"
    for name, value in headers.items():
        made[name] = value
    made.set_content("Hei, dette har jeg ordnet for deg. Hilsen Per")
    return made.as_bytes()


# --- a category set by hand ---------------------------------------------------------------------


def test_an_ordinary_mail_that_is_marked_later_is_asked_about_and_only_once(small: World):
    unique = put(small, mail(small, STRANGER, ORDINARY), days=3)
    small.once()
    assert small.cases() == []
    mark(small, unique)
    for _ in range(3):
        small.once()
    matter = small.only_matter()
    assert "triage" in matter.flags
    assert (small.clock.now() - matter.received).days == 3  # the clock runs from its arrival
    assert len(small.questions()) == 1
    small.reply(small.question(), "INNSYN")
    assert small.only_matter().right is Label.ACCESS


def test_a_mark_counts_in_a_folder_that_nobody_watches(small: World):
    unique = put(small, mail(small, STRANGER, ORDINARY), "Kunder.Ferdig", days=50)
    small.once()
    assert small.cases() == []
    mark(small, unique)
    small.clock.pass_time(minutes=20)
    small.once()
    assert len(small.cases()) == 1


HINT = "Hei. Jeg kjøpte en hammer hos dere for noen år siden. Står jeg der fortsatt?"


def test_what_the_words_only_hint_at_is_opened_when_a_colleague_says_so(small: World):
    unique = put(small, mail(small, STRANGER, HINT))
    mark(small, unique)
    small.once()
    assert "triage" not in small.only_matter().flags
    assert small.only_matter().plan_version == 1


def test_mailbots_own_mark_opens_nothing_and_a_moved_mail_is_no_second_request(small: World):
    unique = put(small, mail(small, INGRID, ERASE))
    small.once()
    assert unique in (small.stage.inbox / MARKS).read_text()
    (path,) = small.stage.inbox.glob(f"cur/{unique}*")
    put(small, b"", "Ferdig")
    path.rename(small.stage.inbox / ".Ferdig" / "cur" / path.name)
    small.clock.pass_time(minutes=20)
    small.once()
    assert len(small.cases()) == 1
    assert len(small.matters()) == 1


def test_a_marked_mail_of_a_machine_is_read_once(small: World):
    raw = mail(small, "MAILER-DAEMON@mx.example", "x").replace(
        b"Subject:", b"Auto-Submitted: auto-replied\r\nSubject:", 1
    )
    unique = put(small, raw)
    mark(small, unique)
    small.once()
    small.once()
    store = small.parts.store
    known = {stored.status for stored in store.mails(None)}
    assert known == {"done"}
    assert small.cases() == []


# --- junk ---------------------------------------------------------------------------------------


def test_a_request_in_junk_opens_a_case(small: World):
    put(small, mail(small, INGRID, ERASE), "Junk")
    small.once()
    assert small.only_matter().right is Label.ERASURE


# --- a colleague answers by hand ----------------------------------------------------------------


def test_an_answer_in_sent_pauses_the_case_and_staff_are_told(small: World):
    request = small.write(INGRID, "Sletting", ERASE)
    told = len(small.sent(KARI))
    put(small, answer(small, SUPPORT, INGRID, request), "Sent")
    small.once()
    matter = small.only_matter()
    assert (matter.state, matter.note) == (State.NEEDS_HUMAN, "colleague-answered")
    assert len(small.sent(KARI)) == told + 1
    question = small.question()
    small.reply(question, "Godkjent")
    assert len(small.rows("ordrer", "kontakt_id = 1")) == 2


def test_a_colleague_may_send_as_themselves_from_the_shared_mailbox(small: World):
    request = small.write(INGRID, "Sletting", ERASE)
    put(small, answer(small, "per@example.no", INGRID, request), "Sent")
    small.once()
    assert small.only_matter().note == "colleague-answered"


def test_a_stranger_who_claims_to_be_a_colleague_pauses_nothing(small: World):
    request = small.write(INGRID, "Sletting", ERASE)
    put(small, answer(small, "per@example.no", INGRID, request))  # in the inbox, unproven
    small.once()
    assert small.matters()[0].state is State.ASKED


def test_a_copy_to_the_mailbox_pauses_as_well(small: World):
    request = small.write(INGRID, "Sletting", ERASE)
    raw = mail(small, "per@example.no", "Hei, dette er ordnet. Hilsen Per", answers=request)
    small.stage.deliver(
        raw.replace(f"To: {SUPPORT}".encode(), f"To: {INGRID}\r\nCc: {SUPPORT}".encode())
    )
    small.once()
    assert small.matters()[0].note == "colleague-answered"


def test_sent_mail_opens_no_case_and_decides_nothing(small: World):
    put(small, mail(small, SUPPORT, ERASE, to=INGRID), "Sent")
    small.once()
    assert small.cases() == []
    small.write(INGRID, "Sletting", ERASE)
    reply = scene.reply(small.question(), KARI, "Kari", "Godkjent", small.clock.now(), "pass")
    put(small, reply, "Sent")
    small.once()
    assert small.only_matter().state is State.ASKED
    assert small.reasons() == []


def test_what_was_answered_before_mailbot_came_is_paused_at_its_first_look(small: World):
    request = mail(small, INGRID, ERASE)
    number = next(
        line.split(b"<")[1].split(b">")[0].decode()
        for line in request.splitlines()
        if line.lower().startswith(b"message-id")
    )
    put(small, request, days=9)
    put(small, answer(small, SUPPORT, INGRID, number), "Sent", days=8)
    small.once()
    assert small.only_matter().note == "colleague-answered"


# --- a colleague passes a request on --------------------------------------------------------------


def forward(world: World, head: str, sender: str = "selger@example.no", **more: str) -> None:
    text = f"Kan dere ta denne?\n\n---------- Forwarded message ---------\n{head}\n\n{ERASE}\n"
    raw = mail(world, sender, text, **more).replace(b"Subject: Hei", b"Subject: Fwd: Sletting")
    world.stage.deliver(raw)
    world.once()


def test_the_clock_of_a_forward_began_with_the_original(small: World):
    then = small.clock.now() - timedelta(days=9)
    forward(
        small,
        f"From: Uno Ukjent <{STRANGER}>\nDate: {then:%a, %d %b %Y at %H:%M}\n"
        "Subject: Sletting\nTo: <selger@example.no>",
    )
    matter = small.only_matter()
    assert abs(matter.received - then) < timedelta(hours=3)  # written in local time
    assert matter.flags == ()
    small.reply(small.question(), "Godkjent")
    assert len(small.sent(STRANGER)) == 1
    assert small.sent("selger@example.no") == []


def test_staff_are_asked_when_the_original_came_and_answer_with_a_date(small: World):
    forward(small, f"From: Uno Ukjent <{STRANGER}>\nSubject: Sletting\nTo: <selger@example.no>")
    before = small.only_matter()
    assert before.flags == ("original-date-asked",)
    (notice,) = (each for each in small.sent(KARI) if "Når kom" in letter(each))
    day = (small.clock.now() - timedelta(days=6)).date()
    small.reply(notice, f"Mottatt {day:%d.%m.%Y}")
    after = small.only_matter()
    assert (before.received.date() - after.received.date()).days in (6, 7)
    assert after.last_day < before.last_day
    assert after.flags == ()
    assert after.state is State.ASKED
    small.reply(small.question(), "Godkjent")
    assert len(small.sent(STRANGER)) == 1


def test_only_an_authentic_approver_tells_the_date_and_never_a_later_one(small: World):
    forward(small, f"From: Uno Ukjent <{STRANGER}>\nSubject: Sletting\nTo: <selger@example.no>")
    before = small.only_matter()
    notice = next(each for each in small.sent(KARI) if "Når kom" in letter(each))
    small.reply(notice, "02.03.2026", dmarc="fail")
    small.reply(notice, "02.03.2026", sender="annen@example.no", name="Annen")
    later = small.clock.now() + timedelta(days=40)
    small.reply(notice, f"{later:%d.%m.%Y}")
    small.reply(notice, "02.03.2026, men spør Per først")
    assert small.only_matter().received == before.received


def test_a_forward_by_a_stranger_is_their_own_word(small: World):
    forward(
        small,
        f"From: Ingrid <{INGRID}>\nSubject: Sletting\nTo: <support@example.no>",
        sender=STRANGER,
    )
    small.reply(small.question(), "Godkjent")
    assert small.rows("kontakter", "id = 1 AND epost IS NOT NULL")
    assert small.sent(INGRID) == []
