"""Signals that ask for an orderly end; the second one ends at once."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def caught(numbers: Sequence[signal.Signals], take: Callable[[int], None]) -> Iterator[None]:
    """Give the first of these signals to `take`, within the block; the second is a Ctrl-C.

    Only the main thread of a process can catch signals: elsewhere nothing is caught.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}

    def handle(number: int, _frame: object) -> None:
        for each in numbers:
            signal.signal(each, signal.default_int_handler)
        take(number)

    for number in numbers:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
