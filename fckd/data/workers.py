"""Who makes blocks: by default as many processes, side by side, as there is room for."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from threading import Thread

from fckd.data.blocks import Block, BlockMaker
from fckd.data.cores import processes
from fckd.data.sources.base import Recording
from fckd.errors import UserError

MakeBlocks = Callable[[BlockMaker, Mapping[int, Sequence[Recording]]], Iterator[tuple[int, Block]]]
"""Makes the numbered blocks and yields each as soon as it is finished, in any order."""

WORTH_A_POOL = 64
"""Recordings; fewer are read sooner than worker processes start."""


def make_blocks(
    maker: BlockMaker, blocks: Mapping[int, Sequence[Recording]]
) -> Iterator[tuple[int, Block]]:
    """Make `blocks`, and yield each with its number as soon as it is finished.

    Raises:
        UserError: The file system refuses, or a worker process has died.
    """
    if sum(map(len, blocks.values())) < WORTH_A_POOL:
        for number, recordings in blocks.items():
            yield number, maker.make(number, recordings)
        return
    # spawn, not fork: the caller may hold threads (Arrow, torch, Ray) that do not survive a fork
    context = multiprocessing.get_context("spawn")
    workers = min(processes(), len(blocks))
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent) as pool:
        numbers = {
            pool.submit(maker.make, number, recordings): number
            for number, recordings in blocks.items()
        }
        try:
            for made in as_completed(numbers):
                yield numbers[made], made.result()
        except BrokenProcessPool as death:
            raise _died() from death
        finally:
            pool.shutdown(cancel_futures=True)


def refuse_unguarded_script() -> None:
    """Raise a UserError in a worker that is still importing the script that started it.

    A worker imports the script that is run. If that script prepares a corpus as it is imported,
    every worker would begin to prepare it too, and wait for its own parent.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise _unguarded()


def _end_with_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it ends: else a killed one leaves orphans."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _unguarded() -> UserError:
    return UserError(
        "a script prepares a corpus as it is imported, and the worker processes import it",
        "a script that can be imported without doing anything",
        "put what it does below `if __name__ == '__main__':`",
    )


def _died() -> UserError:
    return UserError(
        "a process that reads recordings has died",
        "memory for one block of recordings in each process, and a script that can be imported",
        "see what is printed above, free some memory, and run again: what is finished is kept; in "
        "a script of your own, prepare below `if __name__ == '__main__':`",
    )
