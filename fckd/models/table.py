"""Every network by its name."""

from collections.abc import Callable

from fckd.config.networks import IMAGES, Modality, NetworkSettings
from fckd.errors import UserError
from fckd.models.graph import graph_network
from fckd.models.hallucination import HallucinationNetwork
from fckd.models.heatmap3d import heatmap3d_network
from fckd.models.network import ActionNetwork, PooledNetwork
from fckd.models.plug_in import plug_in_network
from fckd.models.r2plus1d import r2plus1d_network
from fckd.models.taps import LAST, tapped
from fckd.models.tcn import tcn_network
from fckd.models.temporal import temporal_network
from fckd.models.transformer import transformer_network
from fckd.models.tsm import tsm_network
from fckd.models.video import video_network
from fckd.models.x3d import x3d_network

Builder = Callable[[NetworkSettings, tuple[int, ...], int], PooledNetwork]

NETWORKS: dict[str, Builder] = {
    "temporal": temporal_network,
    "tcn": tcn_network,
    "transformer": transformer_network,
    "graph": graph_network,
    "heatmap3d": heatmap3d_network,
    "video": video_network,
    "r2plus1d": r2plus1d_network,
    "tsm": tsm_network,
    "x3d": x3d_network,
}

INPUT_AXES = {
    Modality.INERTIAL: ("channels", "time"),
    Modality.SKELETON: ("coordinates", "time", "joints"),
    **dict.fromkeys(IMAGES, ("channels", "time", "height", "width")),
}


def build_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> ActionNetwork:
    """Return a network with fresh weights, drawn from torch's global generator.

    Args:
        settings: Which network, how wide, what it reads, where its feature map is taken.
        input_shape: Shape of one reading, without the batch.
        classes: Number of actions.

    Raises:
        UserError: The readings' shape is not one of the modality, or does not fit the network;
            there is no such tap; or a plug-in is not what it should be.
    """
    axes = INPUT_AXES[settings.modality]
    if len(input_shape) != len(axes):
        raise UserError(
            f"{settings.modality} readings of shape {input_shape}",
            f"the axes ({', '.join(axes)})",
            "prepare the corpus again",
        )
    if settings.hallucination:
        own = _single_network(settings, input_shape, classes)
        return HallucinationNetwork(own, _single_network(settings, input_shape, classes))
    return _single_network(settings, input_shape, classes)


def _single_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> ActionNetwork:
    if settings.is_plug_in:
        return plug_in_network(settings, input_shape, classes)
    network = NETWORKS[settings.network](settings, input_shape, classes)
    return network if settings.tap == LAST else tapped(network, settings.tap, input_shape)
