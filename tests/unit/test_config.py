"""The configuration: broken ones are explained whole, sound ones become what they say."""

import shutil
from pathlib import Path

import pytest

from mailbot.config import (
    Secrets,
    Settings,
    away_span,
    default_path,
    load,
    resolve_path,
    resolve_url,
    state_dir,
    store_url,
    warnings,
)
from mailbot.config_pattern import BadPattern, check_pattern
from mailbot.config_until import Until, parse_until
from mailbot.errors import ConfigError

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config"
BROKEN = sorted(path for path in (ROOT / "tests" / "badconfig").iterdir() if path.is_dir())
SECRET = "Sommer2026!"  # what the broken configurations hold where none belongs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped configuration in a folder of its own, with a master key."""
    shutil.copytree(SHIPPED, tmp_path / "config")
    secrets = tmp_path / "config" / "secrets"
    secrets.mkdir(mode=0o700)
    write_secret(secrets / "store.key", "not a real key\n")
    return tmp_path / "config"


def write_secret(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def edit(folder: Path, old: str, new: str, name: str = "mailbot.toml") -> None:
    """Change one place of a file of the configuration, which must be there."""
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def settings(folder: Path) -> Settings:
    return load(folder / "mailbot.toml", {})


def faults(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(folder)
    assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("broken", BROKEN, ids=lambda path: path.name)
def test_a_broken_configuration_is_explained_whole(broken: Path, folder: Path) -> None:
    """Every expected line, and no other: a fault must not drag false ones behind it."""
    (folder / "datamap.toml").write_text("", encoding="utf-8")
    shutil.copytree(broken, folder, dirs_exist_ok=True)
    expected = (broken / "expected.txt").read_text(encoding="utf-8").splitlines()
    found = faults(folder)
    assert found == expected
    assert not any(SECRET in line for line in found)


def test_there_are_enough_broken_configurations() -> None:
    assert len(BROKEN) >= 15


def test_a_missing_configuration_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "mailbot.toml", {})
    assert [problem.where for problem in caught.value.problems] == ["mailbot.toml"]


def test_the_shipped_configuration_is_sound_and_what_it_says(folder: Path) -> None:
    found = settings(folder)
    (mailbox,) = found.mailbox
    assert (mailbox.kind, mailbox.address) == ("maildir", "support@example.no")
    assert mailbox.maildir is not None
    assert (mailbox.maildir.path, mailbox.maildir.outbox) == ("demo/support", "demo/outbox")
    assert found.organisation.contact == "support@example.no"
    assert [table.name for table in found.datamap.database[0].table] == [
        "kontakter", "ordrer", "fakturaer", "henvendelser", "utleveringer", "forhandlere",
        "ansatte",
    ]  # fmt: skip
    assert found.approver[0].may("erasure")
    assert found.folder == folder
    assert found.secrets_folder == folder / "secrets"
    assert found.templates_folder is None
    assert warnings(found) == found.warnings


def test_defaults_suffice(folder: Path) -> None:
    (folder / "mailbot.toml").write_text(
        """
        [[mailbox]]
        name = "support"
        address = "support@example.no"
        kind = "imap"
        imap = { host = "imap.example.no", password = "credential:mail" }
        smtp = { host = "smtp.example.no", password = "credential:mail" }
        [[approver]]
        address = "raad@lawyers.example"
        """,
        encoding="utf-8",
    )
    write_secret(folder / "secrets" / "mail", "x")
    found = settings(folder)
    (mailbox,) = found.mailbox
    assert mailbox.imap is not None
    assert mailbox.smtp is not None
    assert (mailbox.imap.user, mailbox.imap.port) == ("support@example.no", 993)
    assert mailbox.smtp.user == "support@example.no"
    assert mailbox.watch == ("inbox", "junkemail")
    assert found.authenticity.trusted_hosts == ("*.protection.outlook.com",)
    assert found.approval.remind_days_left == (20, 10, 5, 2, 1)
    assert (found.mode, found.store.url, found.deadline.timezone) == ("live", "", "Europe/Oslo")
    assert (found.delivery.access, found.classify.open_above) == ("encrypted-pdf", 0.85)


def test_certificates_of_our_own_lie_beside_the_configuration(folder: Path) -> None:
    imap = (
        'imap = { host = "imap.example.no", password = "credential:store.key", ca_file = "ca.pem" }'
    )
    edit(folder, "[mailbox.maildir]", f"{imap}\n\n[mailbox.maildir]")
    assert faults(folder)[0].startswith("mailbot.toml: mailbox[0].imap.ca_file: there is no such")
    (folder / "ca.pem").write_text("certificates", encoding="utf-8")
    (mailbox,) = settings(folder).mailbox
    assert mailbox.imap is not None
    assert mailbox.imap.ca_file == str(folder / "ca.pem")


def test_with_a_server_of_our_own_microsofts_are_strangers(folder: Path) -> None:
    edit(folder, 'authserv_id = ""', 'authserv_id = "mx.example.no"')
    edit(folder, 'trusted_hosts = ["*.protection.outlook.com"]\n', "")
    assert settings(folder).authenticity.trusted_hosts == ()


def test_inside_approvers_are_heard_by_our_own_server(folder: Path) -> None:
    edit(folder, "trust_internal   = true", "trust_internal   = false")
    assert len(faults(folder)) == 1
    edit(folder, 'authserv_id = ""', 'authserv_id = "mx.example.no"')
    assert not settings(folder).authenticity.trust_internal


def test_an_address_keeps_its_local_part_and_gets_an_ascii_domain(folder: Path) -> None:
    edit(folder, 'address = "leder@example.no"', 'address = " Leder@Blåbær.no "')
    assert settings(folder).approver[0].address == "Leder@xn--blbr-roah.no"


def test_a_file_with_a_byte_order_mark_is_read(folder: Path) -> None:
    text = (folder / "mailbot.toml").read_bytes()
    (folder / "mailbot.toml").write_bytes(b"\xef\xbb\xbf" + text)
    assert settings(folder).mode == "live"


def test_warnings_are_no_faults(folder: Path) -> None:
    edit(folder, "controller = true", "controller = false")
    edit(folder, "keep_case_years = 3", "keep_case_years = 6")
    edit(folder, "code_for = []", 'code_for = ["access"]')
    edit(folder, "identity_code = true", "identity_code = false")
    edit(folder, "[mailbox.maildir]", '[mailbox.smtp]\nhost = "smtp.example.no"\nport = 465\n'
         'password = "credential:none"\n\n[mailbox.maildir]')  # fmt: skip
    (folder / "secrets" / "store.key").chmod(0o640)
    write_secret(folder / "secrets" / "crm.read", "x", 0o604)
    lines = warnings(settings(folder))
    for expected in (
        "approver: none is marked controller",
        "store.keep_case_years: more than five",
        "identity.code_for: codes are asked for",
        'mailbox[0].smtp: not used while kind = "maildir"',
        'mailbox[0].smtp.security: port 465 usually speaks "tls"',
        "credential:store.key: other users",
        "credential:crm.read: other users",
    ):
        assert any(line.startswith(expected) for line in lines), expected


def test_deputies_with_fewer_rights_are_pointed_out(folder: Path) -> None:
    edit(folder, 'deputy  = ""', 'deputy  = "vikar@example.no"')
    with (folder / "mailbot.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[approver]]\naddress = "Vikar@example.no"\nrights = ["access", "info"]\n')
    assert any(
        "approver[0].deputy: may not decide on erasure" in w for w in settings(folder).warnings
    )


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-12-20/2027-01-03", ("2026-12-20", "2027-01-03")),
        (" 2026-12-24 ", ("2026-12-24", "2026-12-24")),
        ("2027-01-03/2026-12-20", None),
        ("2026-12-20/", None),
        ("", None),
    ],
)
def test_days_of_absence(text: str, days: tuple[str, str] | None) -> None:
    span = away_span(text)
    assert (span and tuple(day.isoformat() for day in span)) == days


# --- where things lie


def test_where_the_configuration_is_looked_for() -> None:
    assert default_path({}) == Path("config/mailbot.toml")
    assert default_path({"CONFIGURATION_DIRECTORY": "/etc/a:/etc/b"}) == Path("/etc/a/mailbot.toml")
    both = {"MAILBOT_CONFIG": "/x/y.toml", "CONFIGURATION_DIRECTORY": "/etc/a"}
    assert default_path(both) == Path("/x/y.toml")


def test_where_the_state_lies(folder: Path) -> None:
    found = settings(folder)
    assert state_dir(found, {}) == Path("var")
    assert state_dir(found, {"STATE_DIRECTORY": "/var/lib/mailbot:/x"}) == Path("/var/lib/mailbot")
    edit(folder, 'state = ""', 'state = "own"')
    assert state_dir(settings(folder), {"STATE_DIRECTORY": "/x"}) == folder / "own"


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("sqlite:///crm.db", "sqlite:////state/crm.db"),
        ("sqlite+pysqlite:///demo/crm.db", "sqlite+pysqlite:////state/demo/crm.db"),
        ("sqlite:////srv/crm.db", "sqlite:////srv/crm.db"),
        ("sqlite:///file:crm.db?mode=ro&uri=true", "sqlite:///file:/state/crm.db?mode=ro&uri=true"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("postgresql+psycopg://a@b/crm.db", "postgresql+psycopg://a@b/crm.db"),
        ("", ""),
    ],
)
def test_relative_sqlite_files_lie_in_the_state_folder(url: str, resolved: str) -> None:
    assert resolve_url(url, Path("/state")) == resolved


def test_paths_that_may_be_relative_to_the_state_folder() -> None:
    assert resolve_path("demo/support", Path("/state")) == Path("/state/demo/support")
    assert resolve_path("/srv/mail", Path("/state")) == Path("/srv/mail")


def test_the_password_of_the_store(folder: Path) -> None:
    assert store_url(settings(folder), {}) == ""
    edit(folder, 'url = ""', 'url = "postgresql+psycopg://mailbot@db:5432/mailbot?sslmode=require"')
    plain = "postgresql+psycopg://mailbot@db:5432/mailbot?sslmode=require"
    assert store_url(settings(folder), {}) == plain
    write_secret(folder / "secrets" / "store.password", "p@ss/word:1\n")
    assert store_url(settings(folder), {}) == plain.replace("@db", ":p%40ss%2Fword%3A1@db")


# --- credentials


def test_systemds_credentials_come_first(tmp_path: Path) -> None:
    handed, files = tmp_path / "handed", tmp_path / "files"
    for place, text in ((handed, "from systemd\n"), (files, "from a file\r\n")):
        place.mkdir()
        write_secret(place / "name", text)
    write_secret(files / "other", " spaces count \n")
    secrets = Secrets({"CREDENTIALS_DIRECTORY": str(handed)}, files)
    assert secrets.read("credential:name") == "from systemd"
    assert secrets.read("credential:other") == " spaces count "
    assert Secrets({}, files).read("credential:name") == "from a file"
    assert not secrets.exposed("credential:other")
    (files / "other").chmod(0o644)
    (handed / "name").chmod(0o644)
    assert secrets.exposed("credential:other")
    assert not secrets.exposed("credential:name")


@pytest.mark.parametrize(
    "reference",
    [
        "name", "credential:", "credential:missing", "credential:../name", "credential:a/../name",
        "credential:..", "credential:/etc/hostname", "credential:sub", "credential:empty",
        "credential:binary", "credential:huge", "credential:name\0", "credential:.hidden",
    ],
)  # fmt: skip
def test_credentials_that_are_refused(reference: str, tmp_path: Path) -> None:
    files = tmp_path / "files"
    (files / "sub").mkdir(parents=True)
    write_secret(tmp_path / "name", SECRET)
    write_secret(files / ".hidden", SECRET)
    write_secret(files / "empty", " \n")
    write_secret(files / "huge", SECRET * 100_000)
    (files / "binary").write_bytes(b"\xff\xfe" + SECRET.encode())
    with pytest.raises(ConfigError) as caught:
        Secrets({}, files).read(reference)
    assert SECRET not in str(caught.value)


def test_database_passwords(tmp_path: Path) -> None:
    write_secret(tmp_path / "crm.read", "reads\n")
    secrets = Secrets({}, tmp_path)
    assert secrets.database_password("crm", "read") == "reads"
    assert secrets.database_password("crm", "write") is None
    write_secret(tmp_path / "crm.write", "")
    with pytest.raises(ConfigError):
        secrets.database_password("crm", "write")


# --- the small languages inside


@pytest.mark.parametrize(
    "pattern",
    [
        r"K-?\d{5,7}", r"\d{5}", r"[A-Z]{2,4}-?\d{4,10}", r"(?:KN|KU)\d{6}", r"K-?\d+", r"[]a-]x",
        r"(?<!\d)\d{6}", r"kunde\\\d{3}", r"[^\]]\d{4}", r"(?P<no>\d{4})-\d{2}",
    ],
)  # fmt: skip
def test_patterns_that_are_bounded(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "", "(", r"(\d+)+x", r"(a|aa)+x", r"(a|a)*b", r"\d*", r".*x.*", r"(\d{1,9}){1,9}",
        r"(?P<a>\w)(?P=a)", "x" * 201, r"\d{1,99999}", r"(?i)k\d", r"((a?){20}){20}x",
        r"(\w)\1", r"a{2,}b{2,}",
        r"(?:a?){30}x", r"(x|\d{2,3})+y",
    ],
)  # fmt: skip
def test_patterns_that_are_not(pattern: str) -> None:
    with pytest.raises(BadPattern):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delt_dato", Until(column="delt_dato")),
        ("delt_dato + 3 years", Until(column="delt_dato", spans=((3, "year"),))),
        ("year_end( dato )+5 years", Until(year_end="dato", spans=((5, "year"),))),
        ("år + 1 year + 6 months + 10 days",
         Until(column="år", spans=((1, "year"), (6, "month"), (10, "day")))),
        ("delt-dato+5years", Until(column="delt-dato", spans=((5, "year"),))),
        ("kept(fakturaer)", Until(kept=("fakturaer",))),
        ("kept(invoices, shop:payments)", Until(kept=("invoices", "shop:payments"))),
        ("kept(invoices) + 1 years", Until(kept=("invoices",), spans=((1, "year"),))),
    ],
)  # fmt: skip
def test_until(text: str, expected: Until) -> None:
    assert parse_until(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "5 years", "dato + years", "dato - 3 years", "dato + 3 weeks", "year_end()", "kept()",
        "dato; DROP TABLE x", "year_end(dato) + 5", "kept(a,)", "dato + 101 years", "dato 3 years",
        "dato + 9999999 days",
    ],
)  # fmt: skip
def test_what_until_does_not_understand(text: str) -> None:
    with pytest.raises(ValueError, match="^write "):
        parse_until(text)
