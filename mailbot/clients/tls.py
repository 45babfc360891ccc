"""TLS as every client here speaks it: certificates verified, host names checked."""

import ssl
from pathlib import Path


def context(ca_file: Path | None) -> ssl.SSLContext:
    """Trusts what the machine trusts and, beside it, the authorities in a PEM file."""
    made = ssl.create_default_context()
    if ca_file is not None:
        made.load_verify_locations(cafile=str(ca_file))
    return made
