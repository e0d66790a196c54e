"""Lines for people: names, paths and reasons may hold what Rich would take for its markup."""

from rich.console import Console
from rich.text import Text


def say(console: Console, line: str) -> None:
    """Print `line` as it is: no markup, no colours, and no break in a path that may be copied."""
    console.print(Text(line), soft_wrap=True)
