"""Where everything is kept: SQLite or PostgreSQL, encrypted case by case."""

from mailbot.store.encryption import Sealer, load_master_key, new_master_key
from mailbot.store.engine import SQLITE_FILE
from mailbot.store.store import SqlStore, SqlTx, open_store

__all__ = [
    "SQLITE_FILE",
    "Sealer",
    "SqlStore",
    "SqlTx",
    "load_master_key",
    "new_master_key",
    "open_store",
]
