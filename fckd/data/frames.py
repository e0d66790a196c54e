"""The frames of a clip that a corpus stores as pictures: decoded when they are asked for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fckd.data.coding import UndecodableError, decoded
from fckd.data.forms import Array
from fckd.data.integrity import damaged


class EncodedFrames:
    """A clip of which nothing is decoded yet.

    Attributes:
        nbytes: Of all pictures together.

    Args:
        content: The pictures, one behind the other.
        ends: (T,) int64: where in `content` each ends.
        shape: Of the whole clip, time first.
        dtype: Of the whole clip.
        path: Where it lies, for the message of an error.
    """

    def __init__(
        self,
        content: memoryview,
        ends: NDArray[np.int64],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        path: str,
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self.nbytes = len(content)
        self._content, self._ends, self._path = content, ends, path

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, numbers: NDArray[np.int64]) -> Array:
        """Return the frames of these numbers, (len(numbers), ...); each is decoded once.

        Raises:
            UserError: A picture is damaged.
        """
        wanted, places = np.unique(numbers, return_inverse=True)
        frames: Array = np.stack([self._frame(int(number)) for number in wanted])
        return frames[places]

    def _frame(self, number: int) -> Array:
        start = int(self._ends[number - 1]) if number else 0
        content = self._content[start : int(self._ends[number])]
        try:
            return decoded(content, self.shape[1:], self.dtype)
        except UndecodableError as damage:
            raise damaged(self._path, f"frame {number} is {damage}") from damage


Frames = Array | EncodedFrames
"""A clip: in memory, or decoded frame by frame when it is indexed by an array of numbers."""


def whole(frames: Frames) -> Array:
    """Return all frames as one array; a memory map stays one.

    Raises:
        UserError: A picture is damaged.
    """
    return frames[np.arange(len(frames))] if isinstance(frames, EncodedFrames) else frames
