"""What every mailbox kind promises: a Maildir, IMAP on Dovecot, Graph on a server of ours."""

import itertools
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from mailbot.errors import MailbotError, Permanent, Transient
from mailbot.ports import Fetched, Mailbox, MailQuery, MailRef
from tests.contract.ews_world import EwsWorld
from tests.contract.worlds import GraphWorld, ImapWorld, MaildirWorld, World
from tests.servers import dovecot, ews
from tests.servers.dovecot import Dovecot
from tests.servers.ews import Ews
from tests.servers.graph import Graph
from tests.servers.graph_world import sign_in

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_USERS = {f"support{number}@firma.test": "pw" for number in range(400)}
_numbers, _users = itertools.count(), itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    if why := dovecot.missing():
        pytest.skip(why)
    with Dovecot(_USERS) as running:
        yield running


@pytest.fixture(scope="module")
def graph() -> Iterator[Graph]:
    with Graph() as running:
        yield running


@pytest.fixture(scope="module")
def exchange(graph: Graph) -> Iterator[Dovecot]:
    """Dovecot in the guise of Exchange Online: its capabilities, sign-in by an app's token."""
    if why := dovecot.missing():
        pytest.skip(why)
    key = graph.issuer.public_key
    with Dovecot(_USERS, capability=_EXCHANGE, token_key=key) as running:
        yield running


@pytest.fixture(scope="module")
def exchange_server() -> Iterator[Ews]:
    if why := ews.missing():
        pytest.skip(why)
    with Ews() as running:
        yield running


@pytest.fixture(params=["maildir", "imap", "imap-oauth", "graph", "ews"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "ews":
        return EwsWorld(
            request.getfixturevalue("exchange_server"), f"support{next(_users)}@firma.test"
        )
    if request.param == "maildir":
        return MaildirWorld(tmp_path)
    if request.param == "graph":
        return GraphWorld(request.getfixturevalue("graph"), f"support{next(_users)}@firma.test")
    user = f"support{next(_users)}@firma.test"
    if request.param == "imap-oauth":
        signing = sign_in(request.getfixturevalue("graph"))
        return ImapWorld(request.getfixturevalue("exchange"), user, signing)
    return ImapWorld(request.getfixturevalue("server"), user)


@pytest.fixture
def box(world: World) -> Iterator[Mailbox]:
    opened = world.open()
    yield opened
    opened.close()


def mail(
    subject: str = "Hei",
    text: str = "Hei på deg",
    sender: str = "Kåre Æsøy <kunde@kunde.test>",
    to: str = "support@firma.test",
    **headers: str,
) -> bytes:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, subject
    made["Message-ID"] = f"<{next(_numbers)}@kunde.test>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made.as_bytes()


def fetch(box: Mailbox, cursor: str | None, folder: str = "inbox") -> tuple[list[Fetched], str]:
    """Everything new, and the cursor after it."""
    found: list[Fetched] = []
    for batch, after in box.fetch(folder, cursor, LONG_AGO):
        found += batch
        cursor = after
    return found, cursor or ""


def search(box: Mailbox, **query: object) -> list[bytes]:
    return [found.raw for found in box.search(MailQuery(**query))]  # type: ignore[arg-type] # each test gives a field of its own


# --- new mail ---------------------------------------------------------------------------------


def test_new_mail_comes_once_across_restarts(world: World) -> None:
    raws = [mail(str(number)) for number in range(5)]
    seen: list[bytes] = []
    cursor = None
    for raw in raws:
        world.deliver(raw)
        box = world.open()
        found, cursor = fetch(box, cursor)
        seen += [one.raw for one in found]
        assert fetch(box, cursor)[0] == []
        box.close()
    assert seen == raws


def test_nothing_new_yields_nothing(world: World, box: Mailbox) -> None:
    world.deliver(mail())
    _, cursor = fetch(box, None)
    assert list(box.fetch("inbox", cursor, LONG_AGO)) == []


def test_an_empty_folder_has_a_cursor_too(world: World, box: Mailbox) -> None:
    found, cursor = fetch(box, None)
    assert found == []
    assert cursor
    world.deliver(mail("først"))
    assert len(fetch(box, cursor)[0]) == 1


def test_each_batch_has_its_own_cursor(world: World, box: Mailbox) -> None:
    for number in range(120):
        world.deliver(mail(str(number)))
    batches = list(box.fetch("inbox", None, LONG_AGO))
    assert sum(len(batch) for batch, _ in batches) == 120
    assert max(len(batch) for batch, _ in batches) <= 50
    first, cursor = batches[0]
    rest, _ = fetch(box, cursor)
    refs = [one.ref.id for one in (*first, *rest)]
    assert len(refs) == len(set(refs)) == 120


def test_bytes_are_faithful(world: World, box: Mailbox) -> None:
    odd = b"Subject: =?utf-8?q?x\r\nX: \xe6\xf8\xe5\r\n\tfold\r\n\r\nno last line end \x80\xff"
    lines = b"From: a@b.no\r\nSubject: tom\r\n\r\n"
    digits = b"Subject: tall\r\n\r\n12345"
    for raw in (odd, lines, digits):
        world.deliver(raw)
    assert [one.raw for one in fetch(box, None)[0]] == [odd, lines, digits]


def test_since_counts_only_without_a_cursor(world: World, box: Mailbox) -> None:
    world.deliver(mail("gammel"))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    batches = list(box.fetch("inbox", None, tomorrow))
    assert [batch for batch, _ in batches if batch] == []
    cursor = batches[-1][1]
    world.deliver(mail("ny"))
    found = [one for batch, _ in box.fetch("inbox", cursor, tomorrow) for one in batch]
    assert [b"ny" in one.raw for one in found] == [True]


def test_arrival_is_the_servers_time(world: World, box: Mailbox) -> None:
    world.deliver(mail(Date="Mon, 01 Jan 2001 00:00:00 +0000"))
    (found,) = fetch(box, None)[0]
    assert found.arrived.tzinfo is not None
    assert abs(datetime.now(UTC) - found.arrived) < timedelta(seconds=30)


@pytest.mark.parametrize("damaged", ["", "{", '{"uid": 3}', "null", '{"seen": 7}', "[]"])
def test_a_damaged_cursor_starts_again(world: World, box: Mailbox, damaged: str) -> None:
    world.deliver(mail())
    assert len(fetch(box, damaged)[0]) == 1


def test_renumbering_loses_nothing(world: World, box: Mailbox) -> None:
    for number in range(3):
        world.deliver(mail(str(number)))
    first, cursor = fetch(box, None)
    box.close()
    world.renumber()
    world.deliver(mail("etterpå"))
    again, cursor = fetch(world.open(), cursor)
    raws = {one.raw for one in (*first, *again)}
    assert len(raws) == 4  # the store knows by its bytes what it has had before
    assert any(b"etterp" in one.raw for one in again)
    assert fetch(box, cursor)[0] == []


def test_a_colleagues_reading_and_deleting_brings_nothing_again(world: World, box: Mailbox) -> None:
    for number in range(4):
        world.deliver(mail(str(number)))
    _, cursor = fetch(box, None)
    world.read_all()
    world.remove_first()
    assert fetch(box, cursor)[0] == []
    world.deliver(mail("ny"))
    assert len(fetch(box, cursor)[0]) == 1


def test_an_old_mail_moved_in_is_new_here(world: World, box: Mailbox) -> None:
    world.make_folder("Kunder")
    world.deliver(mail("gammel, flyttet hit"), "Kunder")
    world.deliver(mail("alt her"))
    _, cursor = fetch(box, None)
    world.move_first("Kunder", "INBOX")
    found, _ = fetch(box, cursor)
    assert [b"flyttet hit" in one.raw for one in found] == [True]


def test_junk_is_watched_and_a_missing_watched_folder_is_named(world: World) -> None:
    world.deliver(mail("i søppelposten"), "Junk")
    box = world.open()
    assert list(box.watched()) == ["inbox", "junkemail"]
    assert len(fetch(box, None, "junkemail")[0]) == 1
    assert box.check() == []
    box.close()
    other = world.open(watch=("inbox", "Finnes ikke"))
    with pytest.raises(Permanent, match="Finnes ikke"):
        other.check()
    with pytest.raises(Permanent, match="Finnes ikke"):
        fetch(other, None, "Finnes ikke")
    other.close()


def test_reading_leaves_no_trace(world: World, box: Mailbox) -> None:
    for number in range(3):
        world.deliver(mail(f"sak {number}"))
    before = world.flags()
    found, _ = fetch(box, None)
    assert [box.raw(one.ref) for one in found] == [one.raw for one in found]
    assert len(search(box, addresses=("kunde@kunde.test",))) == 3
    assert len(search(box, phrases=("på deg",))) == 3
    assert world.flags() == before


# --- waiting ----------------------------------------------------------------------------------


def test_wait_ends_when_mail_comes(world: World, box: Mailbox) -> None:
    time.sleep(0.05)  # what has only just changed is looked at twice
    _, cursor = fetch(box, None)
    fetch(box, None, "junkemail")
    waited = threading.Event()

    def wait() -> None:
        box.wait(10)
        waited.set()

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.3)
    started = time.monotonic()
    world.deliver(mail())
    thread.join(5)
    assert waited.is_set()
    assert time.monotonic() - started < 2
    assert len(fetch(box, cursor)[0]) == 1


def test_mail_that_came_between_fetch_and_wait_is_noticed(world: World, box: Mailbox) -> None:
    fetch(box, None)
    fetch(box, None, "junkemail")
    world.deliver(mail())
    started = time.monotonic()
    box.wait(5)
    assert time.monotonic() - started < 1


def test_mail_in_another_watched_folder_is_noticed(world: World, box: Mailbox) -> None:
    fetch(box, None)
    fetch(box, None, "junkemail")
    world.deliver(mail(), "Junk")
    started = time.monotonic()
    box.wait(5)
    assert time.monotonic() - started < 1


def test_wake_ends_a_wait_even_if_it_came_first(world: World, box: Mailbox) -> None:
    time.sleep(0.05)  # what has only just changed is looked at twice
    fetch(box, None)
    fetch(box, None, "junkemail")
    box.wake()
    started = time.monotonic()
    box.wait(5)
    assert time.monotonic() - started < 0.5
    timer = threading.Timer(0.2, box.wake)
    timer.start()
    box.wait(5)
    assert time.monotonic() - started < 1.5
    box.wait(0.3)  # and then it is quiet again
    assert time.monotonic() - started >= 0.4


# --- one mail ---------------------------------------------------------------------------------


def test_the_mark_is_put_once_and_on_one_mail(world: World, box: Mailbox) -> None:
    for number in range(3):
        world.deliver(mail(str(number)))
    found, cursor = fetch(box, None)
    box.mark(found[1].ref)
    box.mark(found[1].ref)
    assert world.marked() == 1
    world.remove_first()
    box.mark(found[0].ref)
    assert world.marked() == 1
    assert fetch(box, cursor)[0] == []


def test_filing_moves_one_mail_and_makes_the_folder(world: World, box: Mailbox) -> None:
    for number in range(3):
        world.deliver(mail(f"nr {number}"))
    found, _ = fetch(box, None)
    box.file(found[1].ref, "Saker/Åpne ønsker")
    box.file(found[1].ref, "Saker/Åpne ønsker")
    assert len(world.mails()) == 2
    assert box.raw(found[1].ref) is None
    (moved,) = box.search(MailQuery(phrases=("nr 1",)))
    assert moved.raw == found[1].raw
    assert moved.ref.folder == "Saker/Åpne ønsker"
    assert box.raw(moved.ref) == found[1].raw


@pytest.mark.parametrize("purge", [True, False])
def test_deleting_touches_one_mail_only(world: World, box: Mailbox, purge: bool) -> None:
    for number in range(4):
        world.deliver(mail(f"nr {number}"))
    found, _ = fetch(box, None)
    before = world.mails()
    box.delete(found[2].ref, purge)
    box.delete(found[2].ref, purge)
    assert world.mails() == [raw for raw in before if raw != found[2].raw]
    assert box.raw(found[2].ref) is None
    assert len(search(box, phrases=("nr 2",))) == (0 if purge else 1)


def test_purging_reaches_the_bin(world: World, box: Mailbox) -> None:
    world.deliver(mail("bort"))
    (found,) = fetch(box, None)[0]
    box.delete(found.ref, purge=False)
    (binned,) = box.search(MailQuery(phrases=("bort",)))
    box.delete(binned.ref, purge=True)
    assert search(box, phrases=("bort",)) == []


def test_refs_of_other_makes_find_nothing(world: World, box: Mailbox) -> None:
    world.deliver(mail())
    (found,) = fetch(box, None)[0]
    for strange in ("", "/", "../../etc/passwd", "1/2/3", "x", "999999/1", found.ref.id + "9"):
        ref = type(found.ref)(mailbox="support", folder="inbox", id=strange)
        assert box.raw(ref) is None
        box.delete(ref, purge=True)
        box.mark(ref)
        box.file(ref, "Junk")
    gone = type(found.ref)(mailbox="support", folder="Finnes ikke", id=found.ref.id)
    assert box.raw(gone) is None
    box.delete(gone, purge=True)
    assert len(world.mails()) == 1


# --- searching --------------------------------------------------------------------------------


def test_search_by_address_in_every_header(world: World, box: Mailbox) -> None:
    world.make_folder("Kunder/F&APg-r")
    world.deliver(mail("fra"))
    world.deliver(mail("til", sender="x@y.test", to="Kåre <KUNDE@Kunde.Test>"), "Kunder/F&APg-r")
    world.deliver(mail("kopi", sender="x@y.test", Cc="a@b.test, kunde@kunde.test"))
    world.deliver(mail("blind", sender="x@y.test", Bcc="kunde@kunde.test"), "Junk")
    world.deliver(mail("svar", sender="skjema@firma.test", Reply_To="kunde@kunde.test"))
    world.deliver(mail("annen", sender="kunde@kunde.test.no", to="akunde@kunde.test"))
    world.deliver(mail("nevnt", sender="x@y.test", text="skriv til kunde@kunde.test"))
    found = search(box, addresses=("kunde@kunde.test",))
    assert len(found) == 5
    assert not any(b"annen" in raw or b"nevnt" in raw for raw in found)


def test_a_display_name_is_no_address(world: World, box: Mailbox) -> None:
    world.deliver(mail("lureri", sender='"kunde@kunde.test" <x@y.test>'))
    encoded = b"From: =?utf-8?q?kunde=40kunde=2Etest?= <x@y.test>\r\nSubject: x\r\n\r\nhei\r\n"
    world.deliver(encoded)
    assert search(box, addresses=("kunde@kunde.test",)) == []


def test_search_finds_words_in_any_encoding(world: World, box: Mailbox) -> None:
    text = "Hei,\r\njeg heter Bjørn Åse\r\nÆrlighet og bor i Tromsø.\r\n"
    for charset, cte in (
        ("utf-8", "8bit"),
        ("utf-8", "base64"),
        ("utf-8", "quoted-printable"),
        ("iso-8859-1", "quoted-printable"),
        ("iso-8859-1", "8bit"),
    ):
        made = EmailMessage(policy=SMTP)
        made["Subject"] = f"{charset} {cte}"
        made.set_content(text, charset=charset, cte=cte)
        world.deliver(made.as_bytes())
    made = EmailMessage(policy=SMTP)
    made["Subject"] = "html"
    made.set_content("<p>Bjørn <b>Åse</b> Ærlighet, Tromsø", subtype="html")
    world.deliver(made.as_bytes())
    world.deliver(mail("uten"))
    assert len(search(box, phrases=("Tromsø",))) == 6
    assert len(search(box, phrases=("bjørn åse ærlighet",))) == 6
    assert len(search(box, phrases=("Tromso",))) == 0


def test_search_finds_encoded_subjects_and_names(world: World, box: Mailbox) -> None:
    world.deliver(mail("Påminnelse om fødselsdag for æøå-klubben"))
    assert len(search(box, phrases=("fødselsdag for æøå",))) == 1
    assert len(search(box, phrases=("Kåre Æsøy",))) == 1


def test_a_mail_that_matches_twice_comes_once(world: World, box: Mailbox) -> None:
    world.deliver(mail("begge", text="hei kunde@kunde.test, 900 00 000"))
    found = search(
        box, addresses=("kunde@kunde.test",), phrases=("kunde@kunde.test", "900 00 000", "begge")
    )
    assert len(found) == 1


@pytest.mark.parametrize(
    "key",
    [
        'x" OR ALL "',
        "x) OR ALL (",
        ")",
        '"',
        "\\",
        '\\"',
        "{5}",
        "{5+}\r\nA1 LOGOUT",
        "x\r\nA1 DELETE INBOX\r\n",
        "*",
        "%",
        "ALL",
        "NOT",
        "\0",
        "a\0b",
        "æ\r\nø) ALL",
        'å" OR ALL "',
        "å{3}",
        "\u202egro.live",
        "x" * 10_000,
        "æ" * 10_000,
        "~{1}",
        "(FROM kunde)",
        "",
        "   ",
        "\t\r\n",
    ],
)
def test_hostile_keys_are_only_keys(world: World, box: Mailbox, key: str) -> None:
    world.deliver(mail("en", text="uten noe"))
    world.deliver(mail("to", text="uten noe"))
    assert search(box, phrases=(key,)) == []
    assert search(box, addresses=(key, f"{key}@kunde.test")) == []
    assert search(box, header=("x-mailbot-effect", key)) == []
    assert search(box, header=(key, "x")) == []
    assert len(world.mails()) == 2


@pytest.mark.parametrize("key", ['a"b', "a\\b", "100%", "{12}", "(sic)", "a*b", "'; --", "æ{3}"])
def test_odd_signs_are_found_where_they_stand(world: World, box: Mailbox, key: str) -> None:
    world.deliver(mail("med", text=f"her står {key} i teksten"))
    world.deliver(mail("uten"))
    assert [b"med" in raw for raw in search(box, phrases=(key,))] == [True]


def test_an_exact_header_is_found(world: World, box: Mailbox) -> None:
    world.deliver(mail("vår", X_Mailbot_Effect="abc123"))
    world.deliver(mail("annen", X_Mailbot_Effect="abc1234"))
    world.deliver(mail("sitat", text="X-Mailbot-Effect: abc123"))
    found = search(box, header=("x-mailbot-effect", "abc123"))
    assert [b"abc1234" in raw for raw in found] == [False]


def test_tags_and_dots_are_proposed_for_a_closer_look(world: World, box: Mailbox) -> None:
    world.deliver(mail("merke", sender="ola+nyhetsbrev@firma.no"))
    world.deliver(mail("punktum", sender="o.l.a+x@googlemail.com"))
    world.deliver(mail("domene", sender="per@xn--bjrn-hra.no"))
    assert len(search(box, addresses=("ola@firma.no",))) == 1
    assert len(search(box, addresses=("ola@gmail.com",))) == 1
    assert len(search(box, addresses=("per@bjørn.no",))) == 1


def test_searching_does_not_hold_up_other_work(world: World, box: Mailbox) -> None:
    for number in range(60):
        world.deliver(mail(f"sak {number}"))
    results = box.search(MailQuery(addresses=("kunde@kunde.test",)))
    first = next(results)
    box.mark(first.ref)
    box.delete(first.ref, purge=True)
    assert sum(1 for _ in results) == 59


def test_many_threads_at_once(world: World, box: Mailbox) -> None:
    for number in range(30):
        world.deliver(mail(f"sak {number}"))
    found, cursor = fetch(box, None)
    failures: list[MailbotError] = []

    def work(part: list[Fetched]) -> None:
        try:
            for one in part:
                assert box.raw(one.ref) == one.raw
                box.mark(one.ref)
        except MailbotError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(found[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        assert fetch(box, cursor)[0] == []
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert world.marked() == 30


# --- IMAP alone -------------------------------------------------------------------------------


@pytest.fixture
def own_server() -> Iterator[Dovecot]:
    if why := dovecot.missing():
        pytest.skip(why)
    with Dovecot() as running:
        yield running


def _imap(server: Dovecot, **options: object) -> Mailbox:
    return ImapWorld(server, "support@firma.test").open(**options)


def test_a_lost_connection_is_transient_and_then_mended(own_server: Dovecot) -> None:
    box = _imap(own_server)
    own_server.deliver("support@firma.test", mail("en"))
    found, cursor = fetch(box, None)
    fetch(box, None, "junkemail")
    failed = threading.Event()

    def wait() -> None:
        try:
            box.wait(20)
        except Transient:
            failed.set()

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.3)
    own_server.restart()
    thread.join(5)
    assert failed.is_set()
    own_server.deliver("support@firma.test", mail("to"))
    assert [b"to" in one.raw for one in fetch(box, cursor)[0]] == [True]
    own_server.halt()
    with pytest.raises(Transient):
        fetch(box, cursor)
    box.close()


def test_a_wrong_password_is_permanent_and_named_by_its_key(own_server: Dovecot) -> None:
    box = _imap(own_server, password=lambda: "hemmelig-feil")
    with pytest.raises(Permanent) as caught:
        box.check()
    assert "mailbox.imap.password" in str(caught.value)
    assert "hemmelig" not in str(caught.value)


def test_an_unknown_authority_and_a_wrong_port_are_told_apart(own_server: Dovecot) -> None:
    with pytest.raises(Permanent, match="certificate"):
        _imap(own_server, ca_file=None).check()
    with pytest.raises(Transient):
        _imap(own_server, port=9).check()


def test_starttls(own_server: Dovecot) -> None:
    box = _imap(own_server, port=own_server.starttls_port, security="starttls")
    assert box.check() == []
    box.close()


# What Exchange Online announces: no SPECIAL-USE, ESEARCH, CONDSTORE.
_EXCHANGE = "IMAP4 IMAP4rev1 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
_POOR = "IMAP4rev1"


@pytest.mark.parametrize("capability", [_EXCHANGE, _POOR])
def test_servers_that_can_do_less(capability: str) -> None:
    if why := dovecot.missing():
        pytest.skip(why)
    with Dovecot(capability=capability, junk="Søppelpost") as server:
        world = ImapWorld(server, "support@firma.test")
        box = world.open()
        for number in range(3):
            world.deliver(mail(f"nr {number} på øya"))
        world.deliver(mail("i søppelposten"), "S&APg-ppelpost")
        found, cursor = fetch(box, None)
        assert len(found) == 3
        assert len(fetch(box, None, "junkemail")[0]) == 1
        assert len(search(box, phrases=("på øya",))) == 3
        warnings = " ".join(box.check())
        box.file(found[0].ref, "Behandlet")
        assert len(search(box, phrases=("nr 0 på",))) >= 1
        client = server.login("support@firma.test")
        client.select("INBOX")
        client.store(client.search(None, "SUBJECT", '"nr 2"')[1][0].decode(), "+FLAGS", "\\Deleted")
        box.delete(found[1].ref, purge=True)
        # What a colleague marked as deleted is the colleague's to expunge.
        assert found[2].raw in world.mails()
        if capability == _POOR:
            assert "no IDLE" in warnings
            assert "no UIDPLUS" in warnings
            (binned,) = [
                one for one in box.search(MailQuery(phrases=("nr 1 på",)))
                if one.ref.folder == "Trash"
            ]  # fmt: skip
            with pytest.raises(Permanent, match="UIDPLUS"):
                box.delete(binned.ref, purge=True)
            fetch(box, cursor)
            started = time.monotonic()
            timer = threading.Timer(0.2, box.wake)
            timer.start()
            box.wait(5)
            assert time.monotonic() - started < 1.5
        else:
            assert search(box, phrases=("nr 1 på",)) == []
        client.logout()
        box.close()


# --- marks set by hand, and sent mail -----------------------------------------------------------


def unknown(_ref: MailRef) -> bool:
    return False


def test_a_mark_set_by_a_colleague_is_seen_wherever_the_mail_was_moved(
    world: World, box: Mailbox
) -> None:
    world.make_folder("Kunder")
    world.deliver(mail("merkes"))
    world.deliver(mail("ikke"))
    assert list(box.marked(True, unknown)) == []
    found, _ = fetch(box, None)
    world.mark_first()
    (marked,) = box.marked(False, unknown)
    assert marked.raw == found[0].raw
    assert marked.ref == found[0].ref
    assert marked.arrived == found[0].arrived
    assert list(box.marked(True, lambda ref: ref == found[0].ref)) == []
    world.move_first("INBOX", "Kunder")
    assert list(box.marked(False, unknown)) == []
    (moved,) = box.marked(True, unknown)
    assert moved.raw == found[0].raw
    assert moved.ref.folder == "Kunder"
    assert box.raw(moved.ref) == moved.raw


def test_a_marked_mail_in_the_bin_calls_for_nothing(world: World, box: Mailbox) -> None:
    world.make_folder("Trash")
    world.deliver(mail("slettet"))
    world.mark_first()
    world.move_first("INBOX", "Trash")
    assert list(box.marked(True, unknown)) == []


def test_looking_for_marks_leaves_no_trace(world: World, box: Mailbox) -> None:
    world.deliver(mail("merkes"))
    world.mark_first()
    before = world.flags()
    assert len(list(box.marked(True, unknown))) == 1
    assert world.flags() == before


def test_without_a_mark_of_its_own_none_is_looked_for(world: World) -> None:
    world.deliver(mail("merkes"))
    world.mark_first()
    box = world.open(mark="")
    assert list(box.marked(True, unknown)) == []
    box.close()


def test_a_sent_folder_is_read_once_there_is_one(world: World, box: Mailbox) -> None:
    assert fetch(box, None, "sentitems")[0] == []  # some servers make it with the mailbox
    world.make_folder("Sent")
    world.deliver(mail("svar", sender="support@firma.test", to="kunde@kunde.test"), "Sent")
    assert len(fetch(box, None, "sentitems")[0]) == 1
