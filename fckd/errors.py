"""The exceptions that are expected: the user's to mend, a run that broke down, an orderly stop."""

import signal


class UserError(Exception):
    """A mistake in what the user gave: shown as one message, exit code 2, no traceback.

    Args:
        given: What was found, with its place (file, field, sample).
        expected: What would have been right.
        remedy: What to do now.
    """

    def __init__(self, given: str, expected: str, remedy: str) -> None:
        super().__init__(given, expected, remedy)
        self.given = given
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.given}\n  expected: {self.expected}\n  to do:    {self.remedy}"


def to_install(extra: str) -> str:
    """Return what to do for an extra of fckd, which no package index has."""
    return f"in fckd's checkout: pip install '.[{extra}]'"


class Halted(UserError):  # noqa: N818 - it names what happened
    """A machine or service lets nothing go on; the same command does when that is mended."""


class StorageLost(Halted):
    """The storage does not take or give a file of a run; the run goes on when it does."""


class TrainingError(Exception):
    """A training run cannot go on (a value is not finite, a weighted term has no gradient)."""


class Stopped(Exception):  # noqa: N818 - it names an outcome, not an error
    """A campaign was asked to end; it goes on when it is run again.

    Args:
        signal_number: Of the signal that asked, or None for `fckd stop`.
        reason: What a person should know beyond that it was asked to.
    """

    def __init__(self, signal_number: int | None, reason: str = "") -> None:
        super().__init__(reason or "stopped")
        self.reason = reason
        self.signal_number = signal_number

    @property
    def hurried(self) -> bool:
        """Whether who asked will not wait long: SIGTERM is followed by SIGKILL, often in 30 s."""
        return self.signal_number == signal.SIGTERM
