"""A dilated convolutional network over series, which sees past and future alike.

After Bai et al., An Empirical Evaluation of Generic Convolutional and Recurrent Networks for
Sequence Modeling (2018), without its causality: an action is named when it is over.
"""

from collections import OrderedDict

from torch import nn

from fckd.config.networks import NetworkSettings
from fckd.models.layers import style_of
from fckd.models.network import PooledNetwork
from fckd.models.series import SeriesReader
from fckd.models.temporal import TemporalStage

DILATIONS = (1, 2, 4, 8)


def tcn_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> PooledNetwork:
    """Return a network on (channels, T), or on (coordinates, T, joints), a skeleton.

    Features are (N, width, T): every time step is kept, and sees 121 about it.
    """
    style = style_of(settings)
    reader = SeriesReader(settings, input_shape, style)
    read = (reader.channels, *[settings.width] * (len(DILATIONS) - 1))
    stages = nn.Sequential(
        *(
            TemporalStage(channels, settings.width, style, dilation=dilation)
            for channels, dilation in zip(read, DILATIONS, strict=True)
        )
    )
    body = nn.Sequential(OrderedDict(reader=reader, stages=stages))
    return PooledNetwork(body, settings.width, classes, settings.dropout)
