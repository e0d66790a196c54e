"""Who says what a running campaign does, and who does it, as the rest of the package knows them."""

from typing import Protocol

from fckd.errors import Halted
from fckd.sweep.account import Account
from fckd.sweep.phases import Phase


class Crew(Protocol):
    """Those who work on trials."""

    def resize(self, groups: int) -> None:
        """Keep so many groups; called again and again."""

    def interrupt(self, *, now: bool) -> None:
        """End running trials after their current epoch, or at once."""


class Leader(Protocol):
    """Says whether trials may start."""

    @property
    def account(self) -> Account:
        """What the campaign spends."""

    @property
    def stopping(self) -> bool:
        """Whether no trial shall start any more."""

    @property
    def may_start(self) -> int:
        """How many trials may run now."""

    def check(self) -> None:
        """Raise `Stopped` if the driver was asked to end, `Halted` if it had to."""

    def enter(self, phase: Phase, minutes: float | None) -> None:
        """Take note that a phase begins, for so long at most."""

    def halt(self, trouble: str) -> None:
        """Take note that nothing can go on until a person has mended the machine."""

    def lead(self, crew: Crew | None) -> None:
        """Bring wishes from now on to `crew`."""


def halted(trouble: str) -> Halted:
    """Return the end of a campaign whose machine is in trouble."""
    return Halted(
        trouble,
        "machines with room for worker groups and files, which keep their processes alive",
        "mend that and run the same command again: every run goes on from its last epoch",
    )
