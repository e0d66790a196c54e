"""Short names and numbers for people. Imports nothing heavy: the terminal uses it too."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SWITCH = ".on"
"""`objective.correlation.weight.on` says whether a term is used at all."""

SAYS_LITTLE = ("weight", "temperature", "positions")
"""Last words that need the one before them."""


FEWEST_OF_FOUR_DIGITS = 999.5
"""From here on three digits would need an exponent, and 4096 would be 4.1e+03."""


def short_names(names: Iterable[str]) -> Mapping[str, str]:
    """Return for each dotted name the fewest last words that tell it from the others.

    `objective.correlation.weight` is `correlation weight`, its switch is `correlation on`.
    """
    words = {name: _words(name) for name in names}
    return {name: _short(own, list(words.values())) for name, own in words.items()}


def number(value: Any) -> str:
    """Return a fraction in three significant digits; a whole number, and a text, as it is."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= FEWEST_OF_FOUR_DIGITS else f"{value:.3g}"


def measured_on(leaderboard: Mapping[str, Any]) -> str:
    """Return what a leaderboard's scores were measured on: split, protocols, samples."""
    split, protocols = leaderboard["split"], leaderboard.get("protocols", {})
    if not protocols:
        return f"{split} ({leaderboard['counts'].get(split, '?')} samples)"
    counts = " + ".join(str(found[split]) for found in protocols.values())
    return f"{split}, mean of {', '.join(protocols)} ({counts} samples)"


def _words(name: str) -> tuple[str, ...]:
    if name.endswith(SWITCH):
        return (*name.removesuffix(SWITCH).removesuffix(".weight").split("."), "on")
    return tuple(name.split("."))


def _short(words: tuple[str, ...], every: Sequence[tuple[str, ...]]) -> str:
    fewest = 2 if words[-1] in ("on", *SAYS_LITTLE) else 1
    for length in range(fewest, len(words)):
        if sum(other[-length:] == words[-length:] for other in every) == 1:
            return " ".join(words[-length:])
    return " ".join(words)
