"""Arrays of real numbers out of MATLAB files of version 5, or an error that names the file.

Not by scipy: its reader ends the whole process (a segmentation fault) for nine in a thousand of
the files with a few altered bytes that the tests make. The format is published ("MAT-File Format",
The MathWorks): a header of 128 bytes, then elements of a tag (type, length) and content, one for
each variable, most of them compressed.
"""

import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np

from fckd.data.forms import Array
from fckd.errors import UserError

HEADER = 128
BYTE_ORDERS = {b"IM": "<", b"MI": ">"}
MATRIX, COMPRESSED = 14, 15
NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
"""Type of an element -> its numbers; MATLAB stores a matrix as the smallest that holds it."""
CLASSES = range(6, 16)
"""Of matrices of numbers."""
COMPLEX = 0x800
MAXIMUM_BYTES = 2**31
"""Of a variable once it is unpacked."""


def read_matlab(path: Path, key: str) -> Array:
    """Return the array `key` of a MATLAB (version 5) file.

    Raises:
        UserError: The file is absent, damaged, or holds no such array of real numbers.
    """
    arrays = _arrays(path)
    if key not in arrays:
        raise UserError(
            f"{path} holds no array of real numbers named {key}",
            f"the array {key}",
            "fetch this file of the benchmark again",
        )
    return arrays[key]


def read_only_array(path: Path) -> Array:
    """Return the array of a MATLAB (version 5) file that holds one array of real numbers.

    Raises:
        UserError: The file is absent, damaged, or holds none or several.
    """
    arrays = _arrays(path)
    if len(arrays) != 1:
        raise UserError(
            f"{path} holds {len(arrays)} arrays of real numbers: {', '.join(sorted(arrays))}",
            "one array",
            "save the one that is meant in a file of its own",
        )
    return arrays.popitem()[1]


def _arrays(path: Path) -> dict[str, Array]:
    """Return the arrays of real numbers by name; text, cells and structures are passed over."""
    try:
        content = path.read_bytes()
        if len(content) < HEADER or content[126:HEADER] not in BYTE_ORDERS:
            raise ValueError("its header is not that of a MATLAB file of version 5")
        order = BYTE_ORDERS[content[126:HEADER]]
        matrices = _matrices(memoryview(content)[HEADER:], order)
        return dict(named for matrix in matrices for named in _numbers(matrix, order))
    except (OSError, ValueError, OverflowError, MemoryError, zlib.error) as damage:
        raise UserError(
            f"cannot read {path}: {damage}",
            "a MATLAB file of version 5 (`save -v7` or `-v6`)",
            "fetch or save this file again",
        ) from damage


def _matrices(content: memoryview, order: str) -> Iterator[memoryview]:
    for kind, element in _elements(content, order):
        if kind == COMPRESSED:
            unpacked = zlib.decompressobj().decompress(element, MAXIMUM_BYTES)
            yield from _matrices(memoryview(unpacked), order)
        elif kind == MATRIX:
            yield element


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yield type and content of one element after the other."""
    place = 0
    while len(content) - place >= 8:
        kind, length = np.frombuffer(content[place : place + 8], f"{order}u4").tolist()
        start = place + 8
        if kind >> 16:  # four bytes or less lie in the tag itself
            kind, length, start = kind & 0xFFFF, kind >> 16, place + 4
        if length > min(len(content) - start, 4 if start == place + 4 else length):
            raise ValueError("an element is longer than the file")
        yield kind, content[start : start + length]
        place = start + length
        if kind != COMPRESSED:
            place += -place % 8


def _numbers(matrix: memoryview, order: str) -> Iterator[tuple[str, Array]]:
    """Yield name and array of a matrix of real numbers, nothing of any other."""
    parts = [element for _, element in zip(range(4), _elements(matrix, order), strict=False)]
    if len(parts) < 4 or len(parts[0][1]) < 4:
        return
    (_, about), (_, sizes), (_, name), (kind, values) = parts
    flags = int(np.frombuffer(about[:4], f"{order}u4")[0])
    if flags & 0xFF not in CLASSES or flags & COMPLEX:
        return
    if kind not in NUMBERS:
        raise ValueError(f"numbers of the unknown type {kind}")
    shape = np.frombuffer(sizes, f"{order}i4").tolist()
    numbers = np.frombuffer(values, f"{order}{NUMBERS[kind]}")
    if min(shape, default=0) < 0 or prod(shape) != len(numbers):
        raise ValueError(f"{len(numbers)} numbers for the shape {tuple(shape)}")
    native = numbers.astype(NUMBERS[kind]).reshape(shape, order="F")
    yield bytes(name).decode("ascii", "replace"), native
