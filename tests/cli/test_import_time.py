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

SMALLEST = """
import typer
app = typer.Typer()
@app.command()
def verb(word: str = "") -> None:
    "Do."
app(["--help"])
"""

RATIO = 1.6
"""Of processor time, which the load of a machine changes less than the clock's. Ours is 1.2 times
that of the smallest command; numpy would make it 1.8 times."""


def test_help_imports_nothing_heavy():
    code = f"HEAVY = {HEAVY!r}\n{HELP}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "loaded: --help"


def test_help_takes_hardly_longer_than_that_of_the_smallest_command():
    def once(*words):
        before = os.times()
        subprocess.run([sys.executable, *words], capture_output=True, check=True)
        after = os.times()
        children = after.children_user - before.children_user
        return children + after.children_system - before.children_system

    taken = [(once("-m", "fckd.cli.main", "--help"), once("-c", SMALLEST)) for _ in range(5)]
    ours, theirs = map(min, zip(*taken, strict=True))
    assert ours < RATIO * theirs
