"""Every fusion by its name, and any network whether it reads one modality or two."""

from collections.abc import Callable

from torch import nn

from fckd.config.fusion import AnyNetwork, FusionSettings
from fckd.models.fusion.frame import FrameFusion
from fckd.models.fusion.non_local import NonLocalFusion
from fckd.models.fusion.shift import ShiftFusion
from fckd.models.network import ActionNetwork, PooledNetwork
from fckd.models.table import build_network

Shapes = tuple[tuple[int, ...], ...]

FUSIONS: dict[str, Callable[[FusionSettings, Shapes], nn.Module]] = {
    "frame": FrameFusion,
    "shift": ShiftFusion,
    "non_local": NonLocalFusion,
}


def build_any_network(settings: AnyNetwork, input_shapes: Shapes, classes: int) -> ActionNetwork:
    """Return a network with fresh weights, drawn from torch's global generator.

    Args:
        settings: Of one network, or of a fusion.
        input_shapes: Shape of one reading of each modality, in the order of `settings.inputs`.
        classes: Number of actions.

    Raises:
        UserError: As of `build_network`.
    """
    if isinstance(settings, FusionSettings):
        body = FUSIONS[settings.fusion](settings, input_shapes)
        return PooledNetwork(body, settings.width, classes, settings.dropout)
    (shape,) = input_shapes
    return build_network(settings, shape, classes)
