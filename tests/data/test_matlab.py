import numpy as np
import pytest
from scipy.io import loadmat, savemat

from fckd.data.sources.matlab import read_matlab, read_only_array
from fckd.errors import UserError

KINDS = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (4, 5), (2, 3, 4), (0, 6)])
@pytest.mark.parametrize("compressed", [True, False])
def test_an_array_is_read_as_scipy_reads_it(tmp_path, kind, shape, compressed):
    array = np.random.default_rng(0).integers(0, 100, shape).astype(kind)
    savemat(tmp_path / "clip.mat", {"name": array}, do_compression=compressed)
    read = read_matlab(tmp_path / "clip.mat", "name")
    expected = loadmat(tmp_path / "clip.mat")["name"]
    np.testing.assert_array_equal(read, expected)
    assert read.dtype == expected.dtype


def test_the_array_is_found_among_text_cells_structures_and_complex_numbers(tmp_path):
    others = {"a": "text", "b": {"c": 1.0}, "d": [{}, "x"], "e": np.ones(3) * 1j}
    savemat(tmp_path / "clip.mat", {**others, "f": np.arange(6), "g": "text"})
    np.testing.assert_array_equal(read_only_array(tmp_path / "clip.mat"), [np.arange(6)])
    for name in (*others, "g", "absent"):
        with pytest.raises(UserError, match=f"named {name}"):
            read_matlab(tmp_path / "clip.mat", name)


def test_numbers_of_an_unknown_type_are_an_error(tmp_path):
    """The tag of the numbers says their type; scipy takes any for an address (scipy 1.17)."""
    path = tmp_path / "clip.mat"
    savemat(path, {"name": np.arange(12.0)})
    content = bytearray(path.read_bytes())
    tag = len(content) - 12 * 8 - 8
    assert content[tag] == 9
    content[tag] = 200
    path.write_bytes(content)
    with pytest.raises(UserError, match="unknown type 200"):
        read_matlab(path, "name")


@pytest.mark.parametrize("content", [b"", b"x" * 200, b"\x89HDF\r\n\x1a\n" + bytes(600)])
def test_a_file_of_another_format_is_an_error_that_says_which_is_read(tmp_path, content):
    (tmp_path / "clip.mat").write_bytes(content)
    with pytest.raises(UserError, match="version 5"):
        read_only_array(tmp_path / "clip.mat")
