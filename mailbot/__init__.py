"""mailbot: privacy requests in a support mailbox, found, answered after approval, and proven."""

__version__ = "0.1.0"
