"""One array out of a `.npy` file, or an error that names the file."""

from pathlib import Path
from tokenize import TokenError

import numpy as np

from fckd.data.forms import Array
from fckd.errors import UserError

DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    MemoryError,
    OverflowError,
    SyntaxError,
    TokenError,
)
"""What numpy raises for truncated and altered files; each was met when bytes were changed."""


def read_npy(path: Path) -> Array:
    """Return the array that `numpy.save` wrote; pickled objects are never loaded.

    Raises:
        UserError: The file is absent, damaged, or no single array.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGE as damage:
        raise UserError(
            f"cannot read {path}: {damage}", "an array saved by numpy.save", "check the file"
        ) from damage
    if not isinstance(array, np.ndarray):
        raise UserError(f"{path} is an archive", "one array saved by numpy.save", "unpack it")
    return array
