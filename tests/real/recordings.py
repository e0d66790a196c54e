"""Where the real recordings are, if they are here."""

import os
from pathlib import Path

import pytest

BESIDE_THE_CHECKOUT = Path(__file__).parents[3] / "shared" / "data"


def recordings(benchmark: str) -> Path:
    """Return the folder that holds `benchmark`, or skip the test that asks."""
    folder = Path(os.environ.get("FCKD_DATA", BESIDE_THE_CHECKOUT))
    if not (folder / benchmark).is_dir():
        pytest.skip(f"no {folder / benchmark}: name the data folder with FCKD_DATA")
    return folder
