"""A Postfix of our own: an internet side, a submission side, delivery by LMTP; nothing leaves.

It plays the organisation's mail server as well as the internet's. Mail that comes in on the
internet side gets the Authentication-Results that Exchange Online writes (no authserv-id), chosen
by the envelope sender: `spoof…@` fails DMARC, `nodmarc…@` has no policy, everybody else passes.
Somebody unauthenticated who claims to be inside the organisation fails. Submitted mail from inside
gets `AuthAs: Internal` and no Authentication-Results, as in a real tenant.
"""

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from tests.servers.process import Process, find_binary, free_ports, remove, temporary_folder

HOST = "mx.firma.test"  # the name by which Received lines are ours

_DAEMONS = ("/usr/lib/postfix/sbin", "/usr/libexec/postfix", "/usr/lib/postfix")

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
multi_instance_enable = no
maillog_file_prefixes = {folder}
maillog_file = {folder}/postfix.log
myhostname = {host}
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
local_transport = error:no local delivery
default_transport = error:5.4.4 this test network has no outside
relay_transport = error:5.4.4 this test network has no outside
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = texthash:{folder}/mailboxes
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
smtpd_tls_cert_file = {folder}/certs/server.pem
smtpd_tls_key_file = {folder}/certs/server.key
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl_port}
smtpd_sasl_security_options = noanonymous
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_data_restrictions = check_sender_access regexp:{folder}/verdicts
smtpd_peername_lookup = no
recipient_delimiter = +
message_size_limit = 36700160
mailbox_size_limit = 0
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 4s
biff = no
"""

_MASTER = """\
127.0.0.1:{mx_port} inet n - n - - smtpd
127.0.0.1:{smtp_port} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
  -o smtpd_sender_restrictions=reject_sender_login_mismatch
  -o smtpd_sender_login_maps=texthash:{folder}/senders
  -o smtpd_data_restrictions=check_sender_access,regexp:{folder}/internal
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


def missing() -> str:
    """Why Postfix cannot be started here; empty if it can."""
    if not (find_binary("postconf") and _daemons()):
        return "postfix is not installed"
    return "" if os.geteuid() == 0 else "postfix needs root"


def verdict(spf: str, dkim: str, dmarc: str, domain: str, compauth: str) -> str:
    """An Authentication-Results header as Exchange Online writes it: without an authserv-id."""
    signed = f" header.d={domain}" if dkim == "pass" else ""
    action = "oreject" if dmarc == "fail" else "none"
    return (
        f"Authentication-Results: spf={spf} smtp.mailfrom={domain}; dkim={dkim}{signed};"
        f"dmarc={dmarc} action={action} header.from={domain};compauth={compauth}"
    )


class Postfix:
    """A running Postfix in front of a Dovecot's LMTP and login service.

    users: who may submit, and who exists. vanished: addresses that are accepted from the internet
    and bounce afterwards. inside: the organisation's own domains.
    """

    def __init__(
        self,
        users: Mapping[str, str],
        *,
        lmtp_port: int,
        sasl_port: int,
        chain: Path,
        key: Path,
        inside: Collection[str] = ("firma.test",),
        vanished: Collection[str] = ("borte@kunde.test",),
    ) -> None:
        self.folder = temporary_folder()
        self.mx_port, self.smtp_port = free_ports(2)
        certificates = self.folder / "certs"
        certificates.mkdir()
        shutil.copy(chain, certificates / "server.pem")
        shutil.copy(key, certificates / "server.key")
        self._write_maps(users, inside, vanished)
        values = {
            "folder": self.folder,
            "daemons": _daemons(),
            "host": HOST,
            "domains": ", ".join(sorted({address.rpartition("@")[2] for address in users})),
            "lmtp_port": lmtp_port,
            "sasl_port": sasl_port,
            "mx_port": self.mx_port,
            "smtp_port": self.smtp_port,
        }
        (self.folder / "main.cf").write_text(_MAIN.format(**values))
        (self.folder / "master.cf").write_text(_MASTER.format(**values))
        self._make_queue()
        master = str(Path(_daemons()) / "master")
        self._process = Process([master, "-c", str(self.folder), "-d"], self.folder / "postfix.out")
        self._process.until_listening(self.smtp_port, self.folder / "postfix.log")

    def _write_maps(
        self, users: Mapping[str, str], inside: Collection[str], vanished: Collection[str]
    ) -> None:
        exist = "".join(f"{address} ok\n" for address in (*users, *vanished))
        (self.folder / "mailboxes").write_text(exist)
        (self.folder / "senders").write_text("".join(f"{user} {user}\n" for user in users))
        failed = verdict("fail", "none", "fail", "$1", "fail reason=000")
        unknown = verdict("none", "none", "none", "$1", "none reason=405")
        passed = verdict("pass", "pass", "pass", "$1", "pass reason=100")
        own = [f"/@({_literal(domain)})$/ PREPEND {failed}" for domain in inside]
        (self.folder / "verdicts").write_text(
            "\n".join(
                [
                    f"/^spoof[^@]*@(.+)$/ PREPEND {failed}",
                    f"/^nodmarc[^@]*@(.+)$/ PREPEND {unknown}",
                    *own,
                    f"/@(.+)$/ PREPEND {passed}",
                ]
            )
            + "\n"
        )
        internal = "PREPEND X-MS-Exchange-Organization-AuthAs: Internal"
        (self.folder / "internal").write_text(
            "".join(f"/@{_literal(domain)}$/ {internal}\n" for domain in inside)
        )

    def _make_queue(self) -> None:
        # What `postfix check` would make, which takes two seconds.
        private = "active bounce corrupt defer deferred flush hold incoming private saved trace"
        queue = self.folder / "queue"
        queue.mkdir()
        for name, mode in [
            *((name, 0o700) for name in private.split()),
            ("maildrop", 0o730),
            ("public", 0o710),
        ]:
            (queue / name).mkdir()
            group = "postdrop" if mode != 0o700 else None
            shutil.chown(queue / name, "postfix", group)
            (queue / name).chmod(mode)
        (queue / "pid").mkdir()
        (self.folder / "data").mkdir()
        shutil.chown(self.folder / "data", "postfix")

    def stop(self) -> None:
        """End the server and remove its queue."""
        self._process.stop()
        remove(self.folder)


def _literal(domain: str) -> str:
    return domain.replace(".", "\\.")


def _daemons() -> str:
    return next((path for path in _DAEMONS if Path(path, "master").exists()), "")
