"""From the configuration to what authenticity is judged by."""

from mailbot.config import Settings
from mailbot.mailtext.authenticity import Trust


def trust_of(settings: Settings) -> Trust:
    """What authenticity is judged by."""
    part = settings.authenticity
    return Trust(
        authserv_id=part.authserv_id,
        trusted_hosts=part.trusted_hosts,
        trust_internal=part.trust_internal,
        internal_domains=part.internal_domains,
        own_addresses=tuple(mailbox.address for mailbox in settings.mailbox),
    )
