"""The adapter between Ray Tune, which executes, and the ledger, which knows."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ray.tune.search import Searcher

from fckd.errors import UserError
from fckd.events import EpochReported, Listener, TrialEnded, TrialStarted
from fckd.sweep.broker import INTERRUPTED
from fckd.sweep.leader import Leader
from fckd.sweep.ledger import Asked
from fckd.sweep.phases import Order, Phase
from fckd.sweep.proxy import MESSAGES, TASK

GOES_ON = "it goes on when the sweep is run again"


class LedgerSearcher(Searcher):  # type: ignore[misc]
    """Asks the ledger for Tune's next trial, and tells it and the listener what became of it.

    Args:
        phase: Whose ledger is asked.
        broker: Actor handle; told which trials to end early.
        listener: Hears of every start, epoch and end.
        classes: Names of the classes, for confusion matrices.
        deadline: `time.monotonic()` after which no further trial is started, or None.
        leader: Says how many trials may run, when to end, and what is spent.
        devices: That a trial holds.
        each_its_own: Whether a trial allocates them, and not a group that serves many.
    """

    def __init__(
        self,
        phase: Phase,
        broker: Any,
        listener: Listener,
        classes: tuple[str, ...],
        deadline: float | None,
        leader: Leader,
        devices: float,
        *,
        each_its_own: bool,
    ) -> None:
        super().__init__()
        self.phase, self._broker, self._listener = phase, broker, listener
        self._classes, self._deadline = classes, deadline
        self._leader, self._devices, self._each_its_own = leader, devices, each_its_own
        self._orders: dict[str, Order] = {}
        self._live: set[str] = set()
        self._heard: dict[str, int] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the next trial's configuration, None for "not now", or FINISHED.

        Tune asks again and again, ten times a second at most.
        """
        finished: str = Searcher.FINISHED
        late = self._deadline is not None and time.monotonic() > self._deadline
        if late or self._leader.stopping:
            return finished
        if self._leader.account.exhausted:
            # While trials run, what is kept back may still be found to be less.
            return None if self._live else finished
        # Counted until Tune has done with a trial: only then is its proxy free for the next one.
        if len(self._live) >= self._leader.may_start:
            return None
        order = self._next_order()
        if order is None:
            return finished
        self._live.add(trial_id)
        if self._each_its_own:
            self._leader.account.allocate(trial_id, self._devices)
        self._orders[trial_id] = order
        return {TASK: json.dumps(asdict(order.task))}

    def _next_order(self) -> Order | None:
        """Return the next trial that can be trained; one that cannot has failed.

        Each value of a trial was tried alone before the sweep began, their combination was not.
        """
        while (asked := self.phase.ledger.ask()) is not None:
            try:
                return self.phase.order(asked)
            except UserError as refusal:
                self._refused(asked, refusal.given)
        return None

    def _refused(self, asked: Asked, reason: str) -> None:
        key, name = asked.key, asked.key.removeprefix(f"{self.phase.ledger.name}-")
        self.phase.ledger.tell(key, "failed", None, reason)
        fields = dict(asked.fields)
        self._listener(TrialStarted(key, name, self.phase.name, fields, time=time.time()))
        self._listener(TrialEnded(key, "failed", reason=reason, time=time.time()))

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """Take note of the messages of a trial, in order."""
        for message in json.loads(result.get(MESSAGES, "[]")):
            order = self._orders.get(trial_id)
            if order is None:
                return
            match message["kind"]:
                case "started":
                    self._started(order, message)
                case "epoch":
                    self._epoch(order, message)
                case "ended":
                    self._ended(trial_id, order, message)

    def on_trial_complete(
        self,
        trial_id: str,
        result: Mapping[str, Any] | None = None,  # noqa: ARG002  (Tune's signature)
        error: bool = False,
    ) -> None:
        """Make sure that a trial which Tune gave up goes on another time."""
        self._live.discard(trial_id)
        self._leader.account.release(trial_id)
        order = self._orders.get(trial_id)
        if order is not None:
            # Of a trial that Tune gave up its own processes died, time and again: its training did
            # not fail, and those of the trials after it would end likewise.
            state = INTERRUPTED if error else "failed"
            reason = "Ray Tune lost the trial" if error else "the trial ended without an outcome"
            self._ended(trial_id, order, {"state": state, "reason": reason, "outcome": None})

    def release(self) -> None:
        """Return every trial that still runs to the queue: the driver ends, whatever the reason."""
        for trial_id, order in list(self._orders.items()):
            self._ended(trial_id, order, {"state": INTERRUPTED, "reason": "", "outcome": None})

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its searcher to restore it; there is nothing of ours to restore."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the ledger is the only truth, and Tune is never restored."""

    def restore(self, checkpoint_path: str) -> None:  # noqa: ARG002
        """Refuse: a sweep goes on by opening its ledger."""
        raise RuntimeError("a sweep is never restored through Tune; run it again")

    def _started(self, order: Order, message: Mapping[str, Any]) -> None:
        self._listener(
            TrialStarted(
                trial_key=order.task.key,
                name=order.name,
                phase=self.phase.name,
                parameters={**order.parameters, "training.epochs": order.epochs},
                tags={**order.tags, **_attempt(message)},
                time=time.time(),
            )
        )

    def _epoch(self, order: Order, message: Mapping[str, Any]) -> None:
        key, epoch, metrics = order.task.key, message["epoch"], message["metrics"]
        # A trial that is taken up again tells all of its epochs.
        if epoch > self._heard.get(key, 0) and not self.phase.ledger.is_hopeless(key):
            self._heard[key] = epoch
            self._listener(EpochReported(key, epoch, metrics, time.time()))
            self._leader.account.measure(metrics.get("seconds", 0.0), self._devices)
        value = metrics.get(self.phase.metric)
        last = epoch == order.epochs
        hopeless = value is not None and self.phase.ledger.report(key, epoch, value, last=last)
        if hopeless:
            self._broker.stop.remote(key)
        elif self._leader.account.exhausted:
            self._broker.put_off.remote(key)

    def _ended(self, trial_id: str, order: Order, message: Mapping[str, Any]) -> None:
        del self._orders[trial_id]
        self._heard.pop(order.task.key, None)
        self._broker.forget.remote(order.task.key)
        outcome = message["outcome"] or {}
        metrics = outcome.get("metrics", {})
        value = metrics.get(self.phase.metric)
        key, state, reason = order.task.key, message["state"], message["reason"]
        if state == INTERRUPTED:
            if reason:
                self._leader.halt(f"{order.name}: {reason}")
            waits = self.phase.ledger.put_back(key)
            state, reason = (INTERRUPTED, GOES_ON) if waits else ("pruned", "")
        else:
            costs = [metrics[name] for name in self.phase.costs if name in metrics]
            state, reason = self.phase.ledger.tell(key, state, value, reason, costs)
        if state == "pruned":
            # Also of one that was faster than the word that it should end.
            outcome = metrics = {}
        self._listener(
            TrialEnded(
                trial_key=key,
                state=state,
                metrics=metrics,
                reason=reason,
                confusion=tuple(tuple(row) for row in outcome.get("confusion", ())),
                classes=self._classes,
                split=outcome.get("split", ""),
                time=time.time(),
            )
        )


def _attempt(message: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of an attempt: which one, and what was changed after one that failed."""
    tags = {"fckd.attempt": str(message["attempt"])}
    for changed in ("micro_batch", "cuda_graph"):
        if changed in message:
            tags[f"fckd.{changed}"] = str(message[changed])
    return tags
