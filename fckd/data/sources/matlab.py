"""One array out of a MATLAB file, or an error that names the file."""

import struct
import zlib
from pathlib import Path
from typing import Any, TypeGuard

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
    array = _contents(path, [key]).get(key)
    if not _is_real(array):
        raise UserError(
            f"{path} holds no array of real numbers named {key}",
            f"the array {key}",
            "fetch this file of the benchmark again",
        )
    return array


def read_only_array(path: Path) -> Array:
    """Return the array of a MATLAB (version 5) file that holds one array of real numbers.

    Raises:
        UserError: The file is absent, damaged, or holds none or several.
    """
    arrays = {name: array for name, array in _contents(path, None).items() if _is_real(array)}
    if len(arrays) != 1:
        raise UserError(
            f"{path} holds {len(arrays)} arrays of real numbers: {', '.join(sorted(arrays))}",
            "one array",
            "save the one that is meant in a file of its own",
        )
    return arrays.popitem()[1]


def _contents(path: Path, names: list[str] | None) -> dict[str, Any]:
    wanted = f"the array {names[0]}" if names else "an array"
    try:
        return dict(loadmat(path, variable_names=names))
    except DAMAGE as damage:
        raise UserError(
            f"cannot read {path}: {damage}",
            f"a MATLAB version 5 file with {wanted}",
            "fetch or save this file again",
        ) from damage


def _is_real(value: Any) -> TypeGuard[Array]:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu"
