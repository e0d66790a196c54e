"""What comes next is made by threads while a GPU computes."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Job = TypeVar("Job")
Made = TypeVar("Made")


def ahead(jobs: Iterable[Job], make: Callable[[Job], Made], threads: int) -> Iterator[Made]:
    """Yield what `make` makes of every job, in order; one more than threads are under way.

    Args:
        jobs: What is to be made; taken one by one by the caller's thread.
        make: Runs in several threads at once; what it raises is raised where its turn comes.
        threads: How many; 0 makes each job when it is asked for.
    """
    if threads == 0:
        yield from map(make, jobs)
        return
    remaining = iter(jobs)
    with ThreadPoolExecutor(threads, thread_name_prefix="ahead") as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for job in remaining:
                waiting.append(pool.submit(make, job))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def reading_threads(device: torch.device) -> int:
    """Return how many threads read for `device`: as many as torch may use while a GPU computes.

    None for a CPU, whose cores have no time to spare.
    """
    return torch.get_num_threads() if device.type == "cuda" else 0
