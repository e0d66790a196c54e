"""What the process of a Tune trial weighs: there is one on the head for each trial that runs."""

import subprocess
import sys
from pathlib import Path

from ray import cloudpickle

from fckd.config.campaign import ExecutionSettings
from fckd.sweep.broker import Broker
from fckd.sweep.groups import Ground
from fckd.sweep.proxy import follow

HEAVY = ("torch", "ray.train.torch", "optuna", "fckd.train", "fckd.sweep.searcher")
"""`ray.train` itself comes with `ray.tune`, and is light."""
OPENED = """
import pickle, sys
from pathlib import Path
pickle.loads(Path(sys.argv[1]).read_bytes())
print(*sys.modules)
"""


def test_what_tune_gives_to_the_process_of_a_trial_brings_no_torch_into_it(tmp_path):
    ground = Ground(None, "/storage", Path("/corpus"), tmp_path, ExecutionSettings())
    given = tmp_path / "given"
    # whoever gets an actor's handle imports its class
    given.write_bytes(cloudpickle.dumps((follow, ground, Broker)))
    command = [sys.executable, "-c", OPENED, str(given)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = ran.stdout.split()
    assert "fckd.sweep.proxy" in loaded
    assert not {*HEAVY} & {*loaded}
