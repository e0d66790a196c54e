"""Who says what a running campaign does, and who does it, as the rest of the package knows them."""

from dataclasses import dataclass, field
from typing import Protocol

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
        """Raise `Stopped` if the driver was asked to end."""

    def enter(self, phase: Phase, minutes: float | None) -> None:
        """Take note that a phase begins, for so long at most."""


@dataclass(frozen=True)
class Unattended:
    """The leader of a driver that nobody can ask anything."""

    may_start: int
    stopping: bool = False
    account: Account = field(default_factory=Account)

    def check(self) -> None:
        """Go on."""

    def enter(self, phase: Phase, minutes: float | None) -> None:
        """Go on."""
