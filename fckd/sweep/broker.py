"""The broker: carries tasks down to the worker groups and their reports up to the trials."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # trials of Tune have the handle and so import this, without needing torch
    from fckd.train.task import Task

Message = dict[str, Any]
Verdict = Literal["go on", "stop", "interrupt"]
"""To a trial at the end of an epoch: `stop` for good, or `interrupt` to go on another time."""
INTERRUPTED = "interrupted"
"""State of a task that is to go on another time: without a reason when somebody asked for that,
with one when its machine is in trouble."""


class Broker:
    """An asynchronous actor without a CPU of its own; it holds no truth, only what is under way.

    Args:
        retries: How often a task whose workers died is handed out again.
        places: How many groups are kept; a surplus one is let go when it has nothing to do.
    """

    def __init__(self, retries: int, places: int | None = None) -> None:
        self._retries, self._places = retries, places
        self._members: set[str] = set()
        self._served: set[str] = set()
        self._waiting: deque[Task] = deque()
        self._tasks: dict[str, Task] = {}
        self._assigned: dict[str, str] = {}
        self._losses: defaultdict[str, int] = defaultdict(int)
        self._changes: defaultdict[str, set[str]] = defaultdict(set)
        self._stopped: set[str] = set()
        self._put_off: set[str] = set()
        self._forgotten: set[str] = set()
        self._rounds: defaultdict[str, int] = defaultdict(int)
        self._told: defaultdict[str, list[Message]] = defaultdict(list)
        self._news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._changed = asyncio.Condition()
        self._closed = self._closed_as = ""
        self._interrupted = False

    async def submit(self, task: Task) -> None:
        """Queue a task.

        One that is known already is not queued twice, unless it was put off and that was heard of:
        then it goes on.
        """
        if task.key in self._tasks and task.key not in self._forgotten:
            return
        self._forgotten.discard(task.key)
        self._put_off.discard(task.key)
        for gone in (self._told, self._changes):
            gone.pop(task.key, None)
        self._tasks[task.key] = task
        await self._queue(task, first=False)

    async def submit_values(self, values: Mapping[str, Any]) -> None:
        """Queue the task of these values."""
        # Only here: to make a task itself a trial of Tune would need torch.
        from fckd.train.task import Task

        await self.submit(Task(**values))

    async def join(self, group: str) -> None:
        """Take note that a group (again) has fresh workers, and queue again what it had lost."""
        self._members.add(group)
        await self._give_back(group, "the workers of this trial died")

    async def members(self) -> set[str]:
        """Return the groups that have had workers and have not ended since."""
        return set(self._members)

    async def lose(self, group: str, reason: str) -> bool:
        """Take note that a group died, and queue again what it had lost.

        Returns:
            Whether that is to be tried again.
        """
        key = self._assigned.get(group)
        await self._give_back(group, reason)
        return key is not None and not self._has_ended(key)

    async def leave(self, group: str, reason: str, only: str | None = None) -> bool:
        """Take note that a group ended for good.

        The task for which it was made, if it still waits, goes on another time: nobody else takes
        it, and that no group could be started for it is no fault of its own.

        Returns:
            Whether it had come so far as to take a task.
        """
        self._members.discard(group)
        await self._give_back(group, reason)
        if only is not None and self._take(only) is not None:
            self._end(only, INTERRUPTED, reason)
        return group in self._served

    async def next_task(self, group: str, only: str | None) -> Task | None:
        """Wait for a task (the one with the key `only`, if given).

        None after `close`, when the only task has ended, and for a group too many.
        A group that joins again meanwhile has lost the worker that asked: nothing is handed to it.
        """
        asked_in = self._rounds[group]
        async with self._changed:
            while self._rounds[group] == asked_in:
                if self._is_surplus(group):
                    self._members.discard(group)
                    return None
                task = self._take(only)
                if task is not None:
                    self._assigned[group] = task.key
                    self._served.add(group)
                    self._start(task, group)
                    return task
                if self._closed or (only is not None and self._has_ended(only)):
                    return None
                await self._changed.wait()
        return None

    async def report(self, key: str, epoch: int, metrics: Mapping[str, float]) -> Verdict:
        """Pass an epoch on; return what the trial shall do."""
        if self._has_ended(key):
            return "interrupt"
        self._say(key, {"kind": "epoch", "epoch": epoch, "metrics": dict(metrics)})
        if key in self._stopped:
            return "stop"
        return "interrupt" if self._interrupted or key in self._put_off else "go on"

    async def finish(
        self, key: str, state: str, reason: str, outcome: Mapping[str, Any] | None
    ) -> None:
        """End a task that was handed out."""
        for group in [group for group, held in self._assigned.items() if held == key]:
            del self._assigned[group]
        if not self._has_ended(key):
            self._end(key, state, reason, outcome)

    async def retry(self, group: str, key: str, reason: str, changed: Task | None) -> None:
        """Queue a task once more that cannot be done as it is, as one that can.

        The same field is changed once only.

        Args:
            group: Whose it was; of its workers the first to say so is heard.
            key: Of the task.
            reason: Why.
            changed: The same task in smaller parts, or launched otherwise; None if that is no help.
        """
        if self._assigned.get(group) != key:
            return
        del self._assigned[group]
        if self._has_ended(key):
            return
        fields = set() if changed is None else _changes(self._tasks[key], changed)
        if changed is None or not fields - self._changes[key]:
            self._end(key, "failed", reason)
            return
        self._changes[key] |= fields
        self._tasks[key] = changed
        await self._queue(changed, first=True)

    async def stop(self, key: str) -> None:
        """Ask a trial to end after its current epoch."""
        self._stopped.add(key)

    async def put_off(self, key: str) -> None:
        """Ask a trial to end after its current epoch, and to go on another time."""
        self._put_off.add(key)

    async def interrupt(self) -> None:
        """Let no task begin any more, and those that run end after their current epoch."""
        self._interrupted = True
        for task in self._waiting:
            self._end(task.key, INTERRUPTED, "")
        self._waiting.clear()
        async with self._changed:
            self._changed.notify_all()

    async def abandon(self) -> None:
        """Call what runs interrupted now, without waiting for the end of an epoch."""
        await self.interrupt()
        for key in self._tasks:
            if not self._has_ended(key):
                self._end(key, INTERRUPTED, "")

    async def resize(self, places: int) -> None:
        """Keep so many groups; surplus ones return as soon as they ask for a task."""
        self._places = places
        async with self._changed:
            self._changed.notify_all()

    async def messages(self, key: str, heard: int) -> list[Message]:
        """Wait for more than the `heard` messages about a task and return the further ones.

        None is taken away: whoever follows a trial in a dead one's place hears all of them.
        """
        while len(self._told[key]) <= heard:
            self._news[key].clear()
            await self._news[key].wait()
        return self._told[key][heard:]

    async def forget(self, key: str) -> None:
        """Keep no more of a task that has ended than that it has.

        Whoever follows its trial in a dead one's place hears of the end, and nobody will work on it
        again: with thousands of trials everything else would add up.
        """
        if self._has_ended(key):
            self._told[key] = [{**self._told[key][-1], "outcome": None}]
            self._tasks[key] = replace(self._tasks[key], experiment={})
            for gone in (self._news, self._losses):
                gone.pop(key, None)
            if self._told[key][-1]["state"] == INTERRUPTED:
                self._forgotten.add(key)

    async def close(self, reason: str = "the sweep was closed", state: str = "failed") -> None:
        """Let idle groups return, and end what nobody will work on any more as `state` says."""
        self._closed, self._closed_as = reason, state
        for task in self._waiting:
            self._end(task.key, state, reason)
        self._waiting.clear()
        async with self._changed:
            self._changed.notify_all()

    async def _queue(self, task: Task, *, first: bool) -> None:
        if self._interrupted:
            self._end(task.key, INTERRUPTED, "")
        elif self._closed:
            self._end(task.key, self._closed_as, self._closed)
        elif first:
            self._waiting.appendleft(task)
        else:
            self._waiting.append(task)
        async with self._changed:
            self._changed.notify_all()

    async def _give_back(self, group: str, reason: str) -> None:
        self._rounds[group] += 1
        key = self._assigned.pop(group, None)
        if key is None or self._has_ended(key):
            return
        self._losses[key] += 1
        if self._losses[key] > self._retries:
            self._end(key, "failed", f"{reason} ({self._losses[key]} times)")
        else:
            await self._queue(self._tasks[key], first=True)

    def _start(self, task: Task, group: str) -> None:
        changes = self._changes[task.key]
        attempt = 1 + self._losses[task.key] + len(changes)
        started: Message = {"kind": "started", "group": group, "attempt": attempt}
        started |= {name: task.experiment["training"][name] for name in sorted(changes)}
        self._say(task.key, started)

    def _is_surplus(self, group: str) -> bool:
        if self._places is None or group not in self._members:
            return False
        return len(self._members) > self._places

    def _take(self, only: str | None) -> Task | None:
        for task in self._waiting:
            if only is None or task.key == only:
                self._waiting.remove(task)
                return task
        return None

    def _end(
        self, key: str, state: str, reason: str, outcome: Mapping[str, Any] | None = None
    ) -> None:
        message = {"kind": "ended", "state": state, "reason": reason}
        self._say(key, message | {"outcome": None if outcome is None else dict(outcome)})

    def _has_ended(self, key: str) -> bool:
        told = self._told[key]
        return bool(told) and told[-1]["kind"] == "ended"

    def _say(self, key: str, message: Message) -> None:
        self._told[key].append(message)
        self._news[key].set()


def _changes(one: Task, other: Task) -> set[str]:
    """Return the fields of training in which two tasks differ."""
    before, after = (task.experiment.get("training", {}) for task in (one, other))
    return {name for name, value in after.items() if before.get(name) != value}
