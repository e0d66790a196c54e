"""Everything that learns in one run, as a single module: data-parallel ranks keep it in step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from fckd.distill.embedding import Embedding
from fckd.distill.objective import Answer
from fckd.models.network import ActionNetwork, NetworkOutput


@dataclass(frozen=True)
class Said:
    """What everybody says about a batch: the student, and the teachers that learn with it."""

    student: Answer
    companions: Mapping[str, NetworkOutput]


class DistillationModule(nn.Module):
    """A student, its embeddings, and the teachers that learn together with it.

    Attributes:
        taught: Whether teachers teach now; if not, nothing is embedded, for data-parallel ranks
            wait for the gradient of whatever is said.
        companion_networks: By name the teachers that learn too.

    Args:
        student: What comes out of the run.
        embeddings: By teacher; none where no term maps the student onto a teacher's channels.
        companions: By name the teachers that learn too; none where lessons are read.
        answer: The student's forward pass, if not its own.
    """

    def __init__(
        self,
        student: ActionNetwork,
        embeddings: Mapping[str, Embedding],
        companions: Mapping[str, ActionNetwork],
        answer: Callable[..., NetworkOutput] | None = None,
    ) -> None:
        super().__init__()
        self.student = student
        self._answer = answer or student.__call__
        # Lists, for a teacher may be called what a ModuleDict reserves: "train", "values", ….
        self.teachers, self.companion_networks = tuple(embeddings), dict(companions)
        self.embeddings = nn.ModuleList(embeddings.values())
        self.companions = nn.ModuleList(companions.values())
        self.taught = True

    def forward(self, readings: Sequence[Tensor], others: Sequence[Sequence[Tensor]]) -> Said:
        """Return what is said of `readings`, and of `others`, one for each companion."""
        logits, features = self._answer(*readings)
        embeddings = zip(self.teachers, self.embeddings, strict=True) if self.taught else ()
        embedded = {name: embedding(features) for name, embedding in embeddings}
        outputs = [network(*read) for network, read in zip(self.companions, others, strict=True)]
        return Said(
            Answer(logits, features, embedded),
            dict(zip(self.companion_networks, outputs, strict=True)),
        )
