"""Which student a verb asks, and by what right; loaded only when it is needed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fckd.registry.student import Student


@dataclass(frozen=True)
class Asked:
    """What a verb was told about its student.

    Attributes:
        folder: Packed or pulled.
        engine: `torch` or `onnx`; torch where it is installed if None.
        public_key: Who must have signed it.
        trust_plug_in: Whether the code of a plug-in may be run.
    """

    folder: Path
    engine: str | None
    public_key: Path | None
    trust_plug_in: bool

    def load(self) -> "Student":
        """Return the student.

        Raises:
            UserError: It is not what it should be.
        """
        from fckd.registry.student import Engine, load_student

        return load_student(
            self.folder,
            trust_plug_in=self.trust_plug_in,
            engine=None if self.engine is None else Engine(self.engine),
            public_key=self.public_key,
        )
