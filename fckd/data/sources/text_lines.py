"""Text files of numbers, line by line: a wrong line is one error with its place."""

from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fckd.errors import UserError


class Lines:
    """The lines of a file, each a row of words between blanks or commas.

    Args:
        path: The file.
        kind: What it should be, for the message of an error.

    Raises:
        UserError: The file cannot be read.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self._path, self._kind, self._read = path, kind, 0
        try:
            text = path.read_text(encoding="ascii", errors="replace")
        except OSError as refusal:
            raise self._wrong(refusal.strerror or "it cannot be opened") from refusal
        self._rows = text.rstrip().splitlines()

    @property
    def ended(self) -> bool:
        """Whether every line was read."""
        return self._read == len(self._rows)

    def words(self) -> list[str]:
        """Return the words of the next line: at least one."""
        if self.ended:
            raise self._wrong("it ends too soon")
        words = self._rows[self._read].replace(",", " ").split()
        self._read += 1
        if not words:
            raise self._wrong("it is empty")
        return words

    def count(self, most: int) -> int:
        """Return the next line as a number of things."""
        (word, *more) = self.words()
        if more or not word.isdecimal() or len(word) > len(str(most)) or int(word) > most:
            raise self._wrong(f"{' '.join([word, *more])[:40]!r} is no number of 0 to {most}")
        return int(word)

    def points(self, number: int) -> NDArray[np.float64]:
        """Return x, y and z, which the next `number` lines begin with: (number, 3)."""
        return np.array([self._point() for _ in range(number)])

    def end(self) -> None:
        """Raise a UserError unless every line was read."""
        if not self.ended:
            raise self._wrong(f"{len(self._rows) - self._read} more lines than announced")

    def _point(self) -> list[float]:
        words = self.words()[:3]
        try:
            point = [float(word) for word in words]
        except ValueError as refusal:
            raise self._wrong(str(refusal)[:80]) from refusal
        if len(point) < 3 or not all(map(isfinite, point)):
            raise self._wrong(f"{' '.join(words)[:80]!r} are not three numbers, or not finite")
        return point

    def _wrong(self, what: str) -> UserError:
        return UserError(
            f"{self._path}, line {self._read}: {what}",
            self._kind,
            "fetch this file of the benchmark again, or leave the sample out",
        )
