"""One recording outside of any corpus, read as a corpus of its benchmark would hold it."""

from pathlib import Path

import numpy as np

from fckd.config.corpus import RawSettings
from fckd.config.networks import Modality
from fckd.data.coding import decoded, encoded
from fckd.data.flow import optical_flow
from fckd.data.forms import FORMS, Array, in_stored_form
from fckd.data.sources import n_ucla, read_recording_file, table
from fckd.data.sources.matlab import read_only_array
from fckd.data.sources.numpy_file import read_npy
from fckd.data.sources.table_files import FILMED, read_table_file


def read_raw(source: str, modality: Modality, path: Path, raw: RawSettings) -> Array:
    """Return one recording in the stored form of `modality`.

    Flow is computed of the images that `raw` names, unless the file holds an array of flow. What a
    corpus stores with a loss is given back with that loss; a `.npy` in stored form is as it is.

    Args:
        source: The benchmark.
        modality: What is wanted.
        path: A raw file or folder as the benchmark has it, a folder of numbered pictures, or a
            `.npy` in stored form.
        raw: How the corpus was made.

    Raises:
        UserError: It is damaged, or not of this modality.
    """
    if modality is Modality.FLOW and not _holds_flow(source, path):
        images = _filmed(source, Modality(raw.flow_of), path, raw.image_side)
        return in_stored_form(optical_flow(images, str(path)), modality, str(path))
    if path.suffix == ".npy" and source != table.NAME:
        return read_recording_file(source, modality, path, raw.image_side)
    return _as_stored(_filmed(source, modality, path, raw.image_side), modality, raw)


def _holds_flow(source: str, path: Path) -> bool:
    """Whether a file holds an array of flow; no benchmark has that in a `.mat` of its own."""
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return FORMS[Modality.FLOW].fits(read_npy(path).shape)
    if suffix == ".mat" and source == table.NAME:
        return FORMS[Modality.FLOW].fits(read_only_array(path).shape)
    return False


def _filmed(source: str, modality: Modality, path: Path, image_side: int) -> Array:
    """Return a recording; of benchmarks that come as videos also one taken apart into pictures."""
    if path.is_dir() and modality in FILMED and source != n_ucla.NAME:
        return read_table_file(modality, path, image_side)
    return read_recording_file(source, modality, path, image_side)


def _as_stored(clip: Array, modality: Modality, raw: RawSettings) -> Array:
    coding = raw.frame_coding.model_dump().get(modality, "raw")
    if coding == "raw":
        return clip
    shape = clip.shape[1:]
    return np.stack([decoded(encoded(frame, coding), shape, clip.dtype) for frame in clip])
