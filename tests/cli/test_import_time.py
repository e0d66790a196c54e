"""`fckd --help` answers at once: nothing heavy is imported before a verb needs it."""

import os
import subprocess
import sys

HEAVY = ("torch", "ray", "mlflow", "optuna", "pyarrow", "scipy", "pydantic", "numpy", "boto3")

HELP = """
import sys
from fckd.cli.main import main
sys.argv = ["fckd", "--help"]
try:
    main()
except SystemExit as end:
    assert end.code in (0, None)
print("loaded:", ",".join(sorted(set(sys.argv[1:]) | set(HEAVY) & sys.modules.keys())))
"""

SECONDS = 0.3
"""Of processor time, which the load of the machine hardly changes."""


def test_help_imports_nothing_heavy():
    code = f"HEAVY = {HEAVY!r}\n{HELP}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "loaded: --help"


def test_help_takes_less_than_a_third_of_a_second():
    def once():
        before = os.times()
        command = [sys.executable, "-m", "fckd.cli.main", "--help"]
        subprocess.run(command, capture_output=True, check=True)
        after = os.times()
        children = after.children_user - before.children_user
        return children + after.children_system - before.children_system

    assert min(once() for _ in range(5)) < SECONDS
