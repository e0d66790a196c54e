"""What is made ahead is made in order, no further than asked, and changes no number."""

import threading
import time

import pytest
import torch

from fckd.train.ahead import ahead, reading_threads


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_everything_is_made_once_and_in_order(threads):
    def make(number):
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(ahead(range(20), make, threads)) == [number * number for number in range(20)]


def test_no_more_jobs_are_under_way_than_threads_and_one():
    begun = []
    given = ahead(range(100), begun.append, 3)
    for fetched in range(1, 6):
        next(given)
        limit = time.monotonic() + 60
        while len(begun) < fetched + 3 and time.monotonic() < limit:
            time.sleep(0.001)
        time.sleep(0.05)  # in which one more could begin
        assert len(begun) == fetched + 3
    given.close()


def test_without_threads_a_job_is_made_when_it_is_asked_for():
    begun = []
    given = ahead(range(100), begun.append, 0)
    next(given)
    assert begun == [0]


@pytest.mark.parametrize("threads", [0, 2])
def test_what_a_job_raises_is_raised_when_its_turn_comes(threads):
    def make(number):
        if number == 3:
            raise KeyError(number)
        return number

    given = ahead(range(10), make, threads)
    assert [next(given) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="3"):
        next(given)


def test_no_thread_is_left_by_whoever_stops_early():
    given = ahead(range(100), lambda number: number, 4)
    next(given)
    given.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_only_for_a_gpu_is_anything_read_ahead():
    assert reading_threads(torch.device("cpu")) == 0
    assert reading_threads(torch.device("cuda")) == torch.get_num_threads()
