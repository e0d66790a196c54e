"""Every network by its name."""

from collections.abc import Callable

from fckd.config.networks import Modality, NetworkSettings
from fckd.errors import UserError
from fckd.models.network import ActionNetwork
from fckd.models.temporal import temporal_network
from fckd.models.video import video_network

Builder = Callable[[NetworkSettings, tuple[int, ...], int], ActionNetwork]

NETWORKS: dict[str, Builder] = {
    "temporal": temporal_network,
    "video": video_network,
}

INPUT_AXES = {
    Modality.INERTIAL: ("channels", "time"),
    Modality.SKELETON: ("coordinates", "time", "joints"),
    Modality.DEPTH: ("channels", "time", "height", "width"),
    Modality.RGB: ("channels", "time", "height", "width"),
}


def build_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> ActionNetwork:
    """Return a network with fresh weights, drawn from torch's global generator.

    Args:
        settings: Which network, how wide, what it reads.
        input_shape: Shape of one reading, without the batch.
        classes: Number of actions.

    Raises:
        UserError: The readings' shape is not one of the modality.
    """
    axes = INPUT_AXES[settings.modality]
    if len(input_shape) != len(axes):
        raise UserError(
            f"{settings.modality} readings of shape {input_shape}",
            f"the axes ({', '.join(axes)})",
            "prepare the corpus again",
        )
    return NETWORKS[settings.network](settings, input_shape, classes)
