"""A leader whom nobody can ask anything, for what is run without `fckd`."""

from dataclasses import dataclass, field

from fckd.sweep.account import Account
from fckd.sweep.leader import Crew, halted
from fckd.sweep.phases import Phase


@dataclass
class Unattended:
    """The leader of a driver that nobody can ask anything."""

    may_start: int
    account: Account = field(default_factory=Account)
    trouble: str = ""

    @property
    def stopping(self) -> bool:
        """Whether the machine is in trouble."""
        return bool(self.trouble)

    def check(self) -> None:
        """Raise `UserError` if the machine is in trouble."""
        if self.trouble:
            raise halted(self.trouble)

    def halt(self, trouble: str) -> None:
        """Take note of it."""
        self.trouble = trouble

    def enter(self, phase: Phase, minutes: float | None) -> None:
        """Go on."""

    def lead(self, crew: Crew | None) -> None:
        """Wish nothing."""
