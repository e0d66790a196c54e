"""How a benchmark says what it found: a Markdown table, and JSON if a file is named."""

import argparse
import json
import platform
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("torch", "numpy", "ray", "optuna", "mlflow", "fckd")


def parser(about: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that every benchmark has."""
    found = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--json", type=Path, help="write the figures there")
    return found


def tell(head: Sequence[str], rows: Iterable[Sequence[Any]], path: Path | None) -> None:
    """Print rows as a Markdown table, and write them as JSON."""
    told = list(rows)
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in told:
        print("| " + " | ".join(map(_shown, row)) + " |")
    write([dict(zip(head, row, strict=True)) for row in told], path)


def write(rows: Sequence[dict[str, Any]], path: Path | None) -> None:
    """Write figures to a JSON file, if one is named, with what they were measured on and how."""
    if path is not None:
        found = {"command": command(), "machine": machine(), "versions": versions(), "rows": rows}
        path.write_text(json.dumps(found, indent=2) + "\n")


def beside(path: Path | None, what: str) -> Path | None:
    """Return where a benchmark's second table goes: NAME_WHAT.json for NAME.json."""
    return None if path is None else path.with_stem(f"{path.stem}_{what}")


def median_and_range(values: Sequence[float]) -> tuple[float, str]:
    """Return the median of repetitions, and their smallest and greatest as one cell."""
    return statistics.median(values), f"{min(values):.3g} to {max(values):.3g}"


def command() -> str:
    """Return what was typed."""
    return shlex.join(sys.orig_argv)


def machine() -> dict[str, Any]:
    """Return the processor, how many of its cores there are, and the memory."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": psutil.cpu_count(),
        "memory_gibibytes": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Return those of Python and of the packages that matter, and the commit of this checkout."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607  (the user's own git)
        cwd=Path(__file__).parent,
        capture_output=True,
        check=True,
        text=True,
    )
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "commit": asked.stdout.strip(),
    }


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
