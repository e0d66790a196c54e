"""Worker groups that come up and die as a test says; broker, pool and account are the real ones."""

import asyncio
import threading
from collections import defaultdict
from pathlib import Path
from queue import Queue

import pytest
import ray

from fckd.config.campaign import ExecutionSettings
from fckd.sweep import groups, pool
from fckd.sweep.account import HOUR, Account
from fckd.sweep.broker import INTERRUPTED, Broker
from fckd.sweep.groups import Ground, run_group
from fckd.sweep.pool import AGAIN_SECONDS, MOST_IN_VAIN, Pool
from fckd.train.task import Task

SECONDS = 60.0
"""Nobody is waited for any longer."""


class Here:
    """A broker's actor handle, of an actor in this process."""

    def __init__(self, **settings):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._broker = Broker(**settings)

    def __getattr__(self, name):
        return Call(getattr(self._broker, name), self._loop)

    def end(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()


class Call:
    """One of its methods; an answer is a future, as Ray's is."""

    def __init__(self, method, loop):
        self._method, self._loop = method, loop

    def remote(self, *given):
        return asyncio.run_coroutine_threadsafe(self._method(*given), self._loop)


class Stage:
    """Where groups start, come up, and die when they are told of what."""

    def __init__(self, broker):
        self.broker, self.started = broker, Queue()
        self._deaths = defaultdict(Queue)

    def play(self, ground, name, only=None):
        self.started.put(name)
        return self._deaths[name].get()

    def starts(self):
        return self.started.get(timeout=SECONDS)

    def comes_up(self, name):
        ray.get(self.broker.join.remote(name))

    def dies(self, name, of="its node is gone"):
        self._deaths[name].put(of)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def broker(monkeypatch):
    here = Here(retries=1)
    monkeypatch.setattr(ray, "get", lambda answer: answer.result(SECONDS))
    yield here
    here.end()


@pytest.fixture
def stage(broker, monkeypatch):
    return Stage(broker)


@pytest.fixture
def clock():
    return Clock()


class Watched:
    """A pool of two groups, on a stage."""

    def __init__(self, stage, clock):
        self.stage, self.clock = stage, clock
        self.account = Account(clock=clock)
        ground = Ground(stage.broker, "", Path(), Path(), ExecutionSettings(groups=2))
        self.pool = Pool(ground, self.account, clock)
        assert {stage.starts() for _ in range(2)} == {"0", "1"}

    def loses(self, name):
        """Let a group die, and wait until the pool has drawn its conclusions."""
        self.stage.dies(name)
        self.pool._threads[int(name)].join(SECONDS)

    def starts_nothing(self):
        before = len(self.pool._threads)
        self.pool.resize(2)
        return len(self.pool._threads) == before

    def loses_in_vain(self, name):
        """Let a group die, and those that replace it, until there is no further one."""
        for _ in range(MOST_IN_VAIN - 1):
            self.loses(name)
            name = self.stage.starts()
        self.loses(name)

    def passes(self, seconds):
        self.clock.now += seconds
        self.pool.resize(2)


@pytest.fixture
def watched(stage, clock, monkeypatch):
    monkeypatch.setattr(pool, "run_group", stage.play)
    given = Watched(stage, clock)
    yield given
    given.pool._closed = True
    for number in range(len(given.pool._threads)):
        stage.dies(str(number))
    given.pool.abandon()


def test_a_group_whose_node_comes_back_after_hours_is_replaced_while_others_are_at_work(watched):
    watched.stage.comes_up("0")
    watched.loses_in_vain("1")
    watched.passes(AGAIN_SECONDS - 1)
    assert watched.starts_nothing()
    for _ in range(3):
        watched.passes(AGAIN_SECONDS)
        watched.loses(watched.stage.starts())
        assert watched.starts_nothing(), "one that dies in vain again waits for its turn"
    watched.passes(AGAIN_SECONDS)
    watched.stage.comes_up(watched.stage.starts())
    watched.passes(AGAIN_SECONDS)
    assert watched.starts_nothing(), "all are there"


def test_a_pool_in_which_nobody_is_at_work_gives_up_however_long_that_takes(watched, broker):
    ray.get(broker.submit.remote(Task("a", {}, "train", "/runs/a")))
    watched.loses_in_vain("1")
    for _ in range(3):
        watched.passes(AGAIN_SECONDS)
        assert watched.starts_nothing(), "nobody knows whether the other one will come up"
    watched.loses("0")
    (ended,) = ray.get(broker.messages.remote("a", 0))
    assert ended["state"] == INTERRUPTED
    assert "worker groups in a row ended before they took a trial" in ended["reason"]


def test_a_group_that_replaces_one_without_room_costs_nothing_before_it_has_come_up(watched):
    watched.stage.comes_up("0")
    watched.loses("1")
    again = watched.stage.starts()
    watched.passes(HOUR)
    assert watched.account.own == pytest.approx(1)
    watched.stage.comes_up(again)
    watched.passes(0)
    watched.passes(HOUR)
    assert watched.account.own == pytest.approx(1 + 2)
    watched.loses(again)
    watched.passes(HOUR)
    assert watched.account.own == pytest.approx(1 + 2 + 1)


@pytest.mark.parametrize("taken", [True, False])
def test_a_group_for_one_task_starts_again_if_it_had_taken_that_when_it_died(
    broker, stage, monkeypatch, taken
):
    monkeypatch.setattr(groups, "_run_once", stage.play)
    ground = Ground(broker, "", Path(), Path(), ExecutionSettings(isolation="trial"))
    ray.get(broker.submit.remote(Task("a", {}, "train", "/runs/a")))
    died = []
    group = threading.Thread(target=lambda: died.append(run_group(ground, "a", "a")), daemon=True)
    group.start()
    stage.starts()
    if taken:
        ray.get(broker.next_task.remote("a", "a"))
        stage.dies("a", "its controller was killed")
        stage.starts()
    stage.dies("a", "no room")
    group.join(SECONDS)
    assert died == ["no room"]
    assert stage.started.empty()
