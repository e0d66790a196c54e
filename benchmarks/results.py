"""How a benchmark says what it found: a Markdown table, and JSON if a file is named."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def parser(about: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that every benchmark has."""
    found = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--json", type=Path, help="write the figures there")
    return found


def tell(head: Sequence[str], rows: Sequence[Sequence[Any]], path: Path | None) -> None:
    """Print rows as a Markdown table, and write them as JSON."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(map(_shown, row)) + " |")
    if path is not None:
        found = [dict(zip(head, row, strict=True)) for row in rows]
        path.write_text(json.dumps(found, indent=2) + "\n")


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
