"""A certificate authority of our own, for servers on loopback."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """PEM files: the authority that clients trust, and the server's chain and key."""

    ca_file: Path
    chain: Path
    key: Path


def make(folder: Path) -> Certificates:
    """An authority and a certificate for localhost and 127.0.0.1, written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificates(
        ca_file=folder / "ca.pem", chain=folder / "server.pem", key=folder / "server.key"
    )
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(made.ca_file))
    issued.private_key_pem.write_to_path(str(made.key))
    for number, pem in enumerate(issued.cert_chain_pems):
        pem.write_to_path(str(made.chain), append=number > 0)
    made.key.chmod(0o600)
    return made
