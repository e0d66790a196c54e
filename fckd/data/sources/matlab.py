"""One array out of a MATLAB file, or an error that names the file."""

import struct
import zlib
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from fckd.data.forms import Array
from fckd.errors import UserError

DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    MemoryError,
    OverflowError,
    NotImplementedError,
    MatReadError,
    struct.error,
    zlib.error,
)
"""What scipy raises for truncated and altered files; each was met when bytes were changed."""


def read_matlab(path: Path, key: str) -> Array:
    """Return the numeric array `key` of the MATLAB (version 5) file `path`.

    Raises:
        UserError: The file is absent, damaged, or holds no such array of real numbers.
    """
    try:
        content = loadmat(path, variable_names=[key])
    except DAMAGE as damage:
        raise UserError(
            f"cannot read {path}: {damage}",
            f"a MATLAB version 5 file with the array {key}",
            "fetch this file of the benchmark again",
        ) from damage
    array = content.get(key)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise UserError(
            f"{path} holds no array of real numbers named {key}",
            f"the array {key}",
            "fetch this file of the benchmark again",
        )
    return array
