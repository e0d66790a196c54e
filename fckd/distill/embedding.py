"""The embedding: student channels mapped onto one teacher's channels. Dropped at export."""

from typing import Literal

from torch import Tensor, nn

GROUPS = 8


class Embedding(nn.Module):
    """1×1 convolution without bias, normalisation, and the ReLU that the teacher's map has too.

    After ICKD's embedding (Liu et al., ICCV 2021), which has no ReLU; ours has one because the
    teachers' maps are taken behind theirs. Without an embedding, channel c of the student has no
    correspondence to channel c of the teacher.

    Args:
        student_channels: C of the student's map.
        teacher_channels: C of the teacher's map.
        normalization: `batch`, or `group` where results must not depend on the local batch.
    """

    def __init__(
        self,
        student_channels: int,
        teacher_channels: int,
        normalization: Literal["batch", "group"] = "batch",
    ) -> None:
        super().__init__()
        self.projection = nn.Conv1d(student_channels, teacher_channels, 1, bias=False)
        self.normalization: nn.Module = (
            nn.BatchNorm1d(teacher_channels)
            if normalization == "batch"
            else nn.GroupNorm(_groups(teacher_channels), teacher_channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C_student, *grid) to (N, C_teacher, *grid)."""
        embedded = self.normalization(self.projection(features.flatten(2))).relu()
        grid = features.shape[2:]
        return embedded.reshape(*embedded.shape[:2], *grid)  # type: ignore[no-any-return]


def _groups(channels: int) -> int:
    return max(groups for groups in range(1, GROUPS + 1) if channels % groups == 0)
