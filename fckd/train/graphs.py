"""Steps as CUDA graphs: a step's hundreds of small kernels are launched as one.

A student's step and the objective's are many kernels that take less time than it takes to launch
them one by one. So the first step of each kind runs as it is, the second one is captured, and from
then on it is replayed on the batches that follow.
"""

import copy
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from fckd.errors import TrainingError
from fckd.train.material import Material
from fckd.train.memory import is_out_of_memory
from fckd.train.step import Step, Told
from fckd.train.study import Study

UNPROVEN = ("r2plus1d", "heatmap3d")
"""Once refused, or not the same as a graph, where cuDNN chose its kernels as it likes."""


class CaptureError(TrainingError):
    """A step cannot be captured; the process that tried is of no use to other trainings."""


def may_be_graphed(study: Study) -> bool:
    """Whether the study's steps are graphs where there is one worker on a GPU."""
    training = study.training
    if training.mixup > 0:
        return False  # the share by which samples are mixed is another number in each batch
    if training.cuda_graph is not None:
        return training.cuda_graph
    learning = (study.network, *(each.network for each in study.companions.values()))
    # Other weights in every epoch are another graph in every epoch.
    constant = all(term.decay == 1 for _, term in study.objective.active())
    parts = [part for each in learning for part in each.inputs]
    return constant and not any(part.is_plug_in or part.network in UNPROVEN for part in parts)


@dataclass(frozen=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    parts: Sequence[Material]
    told: Told


class GraphedSteps:
    """Does what `step` does, on a GPU and in one process, within float rounding.

    Args:
        step: What is captured; it must not ask the device for a number but in the first step.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._kind: Hashable = None
        self._captured: dict[bool, _Captured] = {}

    def __call__(
        self, parts: Sequence[Material], epoch: int, *, measured: bool, conditions: Hashable
    ) -> Told:
        """Learn from a batch.

        Args:
            parts: Of the batch.
            epoch: Counted from 1.
            measured: See `Step`.
            conditions: Whatever else a step depends on, such as the weights of this epoch.

        Returns:
            What the step told; its tensors are overwritten by the next step.

        Raises:
            CaptureError: It cannot be captured.
            TrainingError: The first step says that a term teaches nothing.
        """
        kind = conditions, tuple((value.shape, value.dtype) for value in tensors_in(parts))
        if kind != self._kind:
            self._captured.clear()
            self._kind = kind
            return self._step(parts, epoch, measured=measured)
        if measured not in self._captured:
            self._captured[measured] = self._capture(parts, epoch, measured=measured)
        captured = self._captured[measured]
        for place, value in zip(tensors_in(captured.parts), tensors_in(parts), strict=True):
            place.copy_(value)
        captured.graph.replay()
        return captured.told

    def _capture(self, parts: Sequence[Material], epoch: int, *, measured: bool) -> _Captured:
        # Both kinds of step share their memory: one is through with it when the other begins.
        pool = next((other.graph.pool() for other in self._captured.values()), None)
        graph, places = torch.cuda.CUDAGraph(), copy.deepcopy(parts)
        try:
            # Of this thread alone, for others are reading ahead meanwhile.
            with torch.cuda.graph(graph, pool, capture_error_mode="thread_local"):
                told = self._step(places, epoch, measured=measured)
        except RuntimeError as refusal:
            # Ending a capture that was broken raises too, and hides what broke it.
            cause = refusal.__context__ or refusal
            if is_out_of_memory(cause):
                raise cause from refusal
            raise CaptureError(
                f"a step of this training cannot be captured as a CUDA graph: {_said(cause)}; set "
                "training.cuda_graph to false where it is described"
            ) from refusal
        return _Captured(graph, places, told)


def _said(cause: BaseException) -> str:
    """CUDA's own words: advice on debugging follows them, line by line."""
    return next(iter(str(cause).splitlines()), type(cause).__name__)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in dataclasses, mappings and sequences of them, in order."""
    if isinstance(value, Tensor):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from tensors_in(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from tensors_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from tensors_in(inner)
