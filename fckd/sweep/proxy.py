"""The Tune trial: a thin proxy that repeats a task's messages to Tune.

There is one for each trial that runs, all on the head: importing this file imports no torch.
"""

import json
import threading

import ray
from ray import tune

from fckd.sweep.groups import Ground, run_group, sign_off

TASK, MESSAGES = "task", "messages"
"""JSON texts: Tune flattens dictionaries, and cannot tell a metric's / from its own."""


def follow(config: dict[str, str], ground: Ground) -> None:
    """Submit the task in `config` and report its messages until it has ended."""
    task = json.loads(config[TASK])
    key: str = task["key"]
    ray.get(ground.broker.submit_values.remote(task))
    group: threading.Thread | None = None
    if ground.execution.isolation == "trial":
        name = key.replace("/", "-")
        group = threading.Thread(target=_serve, args=(ground, name, key), daemon=True)
        group.start()
    heard, ended = 0, False
    while not ended:
        # All that waits goes in one report: Tune takes longer over a report than a small student
        # over an epoch, and a decision to stop must not come epochs too late.
        messages = ray.get(ground.broker.messages.remote(key, heard))
        heard += len(messages)
        tune.report({MESSAGES: json.dumps(messages)})
        ended = any(message["kind"] == "ended" for message in messages)
    if group is not None:
        group.join()


def _serve(ground: Ground, name: str, key: str) -> None:
    """Run a group for one trial alone."""
    sign_off(ground, name, run_group(ground, name, key), key)
