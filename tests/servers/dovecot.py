"""A Dovecot of our own on loopback: IMAP over TLS and STARTTLS, LMTP for delivery."""

import imaplib
import os
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers import certs
from tests.servers.process import (
    Process,
    Started,
    find_binary,
    free_ports,
    remove,
    temporary_folder,
)

USERS: Mapping[str, str] = {
    "support@firma.test": "pw-support",
    "kari@firma.test": "pw-kari",
    "per@ekstern.test": "pw-per",
    "kunde@kunde.test": "pw-kunde",
    "ola@kunde.test": "pw-ola",
    "fremmed@annen.test": "pw-fremmed",
}

_CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = mailbot-test
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/mail/%u
mail_home = {folder}/mail/%u
mail_fsync = never
auth_mechanisms = plain login{oauth_mechanisms}
auth_failure_delay = 0
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{folder}/certs/server.pem
ssl_key = <{folder}/certs/server.key
ssl_dh =
hostname = mx.firma.test
postmaster_address = postmaster@firma.test
recipient_delimiter = +
{extra}
{oauth}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
  override_fields = uid={user} gid={group} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
  mailbox {junk} {{
    special_use = \\Junk
    auto = subscribe
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    port = {starttls_port}
  }}
  inet_listener imaps {{
    port = {imap_port}
    ssl = yes
  }}
}}
service lmtp {{
  chroot =
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
}}
service auth {{
  inet_listener sasl {{
    address = 127.0.0.1
    port = {sasl_port}
  }}
}}
service imap {{
  process_limit = 200
}}
protocol imap {{
  mail_max_userip_connections = 100
  {imap_extra}
}}
"""


def missing() -> str:
    """Why Dovecot cannot be started here; empty if it can."""
    return "" if find_binary("dovecot") else "dovecot is not installed"


class Dovecot(Started):
    """A running Dovecot. `capability` replaces what the server says of itself (to play another).

    token_key: the public key (PEM) of an issuer whose tokens open any mailbox by XOAUTH2.
    """

    def __init__(
        self,
        users: Mapping[str, str] = USERS,
        *,
        capability: str = "",
        extra: str = "",
        junk: str = "Junk",
        folder: Path | None = None,
        token_key: str = "",
    ) -> None:
        self.users = dict(users)
        self._own_folder = folder is None
        self.folder = folder or temporary_folder()
        self.certificates = certs.make(self.folder / "certs")
        self.ca_file = self.certificates.ca_file
        self.imap_port, self.starttls_port, self.lmtp_port, self.sasl_port = free_ports(4)
        self._extra = extra
        self._imap_extra = f"imap_capability = {capability}" if capability else ""
        self._junk = junk
        self._token_key = token_key
        self._process = self._start()

    def _start(self) -> Process:
        root = os.geteuid() == 0
        user, group = ("nobody", "nogroup") if root else (str(os.geteuid()), str(os.getegid()))
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir(exist_ok=True)
        configuration = self.folder / "dovecot.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder,
                user=user,
                group=group,
                extra=self._extra,
                imap_extra=self._imap_extra,
                junk=self._junk,
                oauth=self._oauth(),
                oauth_mechanisms=" xoauth2" if self._token_key else "",
                imap_port=self.imap_port,
                starttls_port=self.starttls_port,
                lmtp_port=self.lmtp_port,
                sasl_port=self.sasl_port,
            )
        )
        lines = [f"{address}:{{PLAIN}}{word}::::::" for address, word in self.users.items()]
        (self.folder / "users").write_text("\n".join(lines) + "\n")
        command = [find_binary("dovecot") or "dovecot", "-F", "-c", str(configuration)]
        if root:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, _uid("nobody"), _gid("nogroup"))
            dropped = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"]
            command = [find_binary("setpriv") or "setpriv", *dropped, *command]
        process = Process(command, self.folder / "dovecot.out")
        process.until_listening(self.imap_port, self.folder / "dovecot.log")
        return process

    def _oauth(self) -> str:
        """Tokens are checked by the issuer's key, without asking it (RFC 7519). They are an app's
        and name no user: which mailbox is meant stands beside them."""
        if not self._token_key:
            return ""
        key = self.folder / "keys" / "default" / "RS256" / "default"
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_text(self._token_key)
        (self.folder / "oauth2.ext").write_text(
            "introspection_mode = local\n"
            f"local_validation_key_dict = fs:posix:prefix={self.folder}/keys/\n"
            "username_attribute = appid\nusername_format = app\n"
        )
        args = f"args = {self.folder}/oauth2.ext"
        return f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  {args}\n}}"

    def restart(self) -> None:
        """Stop and start on the same ports with the same mail: every connection is lost."""
        self._process.stop()
        self._process = self._start()

    def halt(self) -> None:
        """Stop, keeping the mail."""
        self._process.stop()

    def stop(self) -> None:
        """End the server and remove what it kept."""
        self._process.stop()
        if self._own_folder:
            remove(self.folder)

    def deliver(self, recipient: str, raw: bytes, sender: str = "") -> None:
        """Put a mail into somebody's inbox as a mail server would."""
        deliver(self.lmtp_port, recipient, raw, sender)

    def login(self, user: str) -> imaplib.IMAP4_SSL:
        """Another mail program, written by others, signed in as `user`."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        client = imaplib.IMAP4_SSL("localhost", self.imap_port, ssl_context=context, timeout=10)
        client.login(user, self.users[user])
        return client

    def mailbox_of(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """The raw mails in a user's folder, oldest first, read without a trace."""
        client = self.login(user)
        try:
            if client.select(f'"{folder}"', readonly=True)[0] != "OK":
                return []
            numbers = client.search(None, "ALL")[1][0].split()
            return [_literal(client.fetch(number.decode(), "(BODY.PEEK[])")) for number in numbers]
        finally:
            client.logout()


def deliver(lmtp_port: int, recipient: str, raw: bytes, sender: str = "") -> None:
    """Hand a mail to a server by LMTP (RFC 2033)."""
    with smtplib.LMTP("127.0.0.1", lmtp_port, timeout=10) as client:
        client.sendmail(sender, [recipient], raw)


def _literal(answer: tuple[str, Sequence[object]]) -> bytes:
    return next(bytes(part[1]) for part in answer[1] if isinstance(part, tuple))


def _uid(name: str) -> int:
    import pwd

    return pwd.getpwnam(name).pw_uid


def _gid(name: str) -> int:
    import grp

    return grp.getgrnam(name).gr_gid
