"""Networks of a user's own: good ones, and every kind of bad one."""

from typing import NamedTuple

import torch
from torch import nn

from fckd.models.network import PooledNetwork

HIDDEN = 12


class Plain(nn.Module):
    """Logits alone; the maps are `stem` and `stages.0` to `stages.1`."""

    def __init__(self, input_shape, classes, inplace=False):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(input_shape[0], HIDDEN, 3, padding=1))
        self.stages = nn.Sequential(
            nn.Sequential(nn.BatchNorm1d(HIDDEN), nn.ReLU(inplace=inplace)),
            nn.Sequential(nn.Conv1d(HIDDEN, HIDDEN, 3, 2, 1), nn.ReLU(), nn.Dropout(0.5)),
        )
        self.fc = nn.Linear(HIDDEN, classes)

    def forward(self, x):
        return self.fc(self.stages(self.stem(x)).mean(2))


class Answer(NamedTuple):
    logits: torch.Tensor
    confidence: torch.Tensor


class Talkative(Plain):
    """Says more than logits."""

    def forward(self, x):
        logits = super().forward(x)
        return Answer(logits, logits.softmax(1).amax(1))


def pooled(input_shape, classes, width=8):
    body = nn.Sequential(nn.Conv1d(input_shape[0], width, 1), nn.ReLU())
    return PooledNetwork(body, width, classes, dropout=0.0)


def no_module(input_shape, classes):
    return "logits"


def other_classes(input_shape, classes):
    return Plain(input_shape, classes + 1)


def other_input(input_shape, classes):
    return Plain((input_shape[0] + 1,), classes)


NOT_CALLABLE = 3
