"""A user's own network, which leaves a trace where it was called."""

from torch import nn

from fckd.models.network import PooledNetwork

CALLS = []


def pooled(input_shape, classes):
    CALLS.append(input_shape)
    body = nn.Sequential(nn.Conv1d(input_shape[0], 8, 1), nn.ReLU())
    return PooledNetwork(body, 8, classes, dropout=0.0)
