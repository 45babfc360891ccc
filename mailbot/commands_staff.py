"""Commands by which staff hand something over or ask for it beside the running daemon."""

from collections.abc import Mapping

from mailbot.clock import SystemClock
from mailbot.config import Settings, state_dir
from mailbot.errors import Transient
from mailbot.learning import Learning, in_a_sentence
from mailbot.logs import set_up
from mailbot.requests import ask
from mailbot.wiring import reader_of, store_of

Environ = Mapping[str, str]


def learn(settings: Settings, environ: Environ) -> int:
    """Try what staff taught, now, and say what became of it."""
    if not settings.classify.learn:
        print("classify.learn is off: nothing is learnt, and nothing kept for it")
        return 0
    set_up(settings.log, environ)
    clock = SystemClock()
    try:
        store = store_of(settings, environ, clock)
    except Transient:
        ask(state_dir(settings, environ), "learn")
        store = store_of(settings, environ, clock, read_only=True)
        print(f"the running daemon will try its lessons now; so far: {in_a_sentence(store)}")
        store.close()
        return 0
    try:
        # The reader is not started: it only is where adopted lessons would go.
        Learning(store, reader_of(settings), settings.classify, clock).hold()
        print(in_a_sentence(store))
    finally:
        store.close()
    return 0
