"""Where recordings come from: one file for each benchmark, and the table of them."""

from collections.abc import Callable
from pathlib import Path

from fckd.config.corpus import CorpusSettings
from fckd.config.networks import Modality
from fckd.data.forms import Array, in_stored_form
from fckd.data.sources import hmdb51, n_ucla, ntu60, synthetic, table, utd_mhad
from fckd.data.sources.base import NobodySeenError, Recording, Source
from fckd.data.sources.numpy_file import read_npy
from fckd.data.sources.table_files import read_table_file
from fckd.data.sources.with_flow import WithFlow
from fckd.errors import UserError

__all__ = ["Recording", "Source", "open_source", "read_recording_file"]

OPENED: dict[str, Callable[[Path, CorpusSettings], Source]] = {
    utd_mhad.NAME: lambda folder, settings: utd_mhad.UtdMhad(folder, settings.image_side),
    n_ucla.NAME: lambda folder, settings: n_ucla.NUcla(folder, settings.image_side),
    ntu60.NAME: lambda folder, settings: ntu60.Ntu60(folder, settings.image_side),
    hmdb51.NAME: lambda folder, settings: hmdb51.Hmdb51(folder, settings.image_side),
}
"""The sources that are read from a folder."""

RAW_READERS: dict[str, Callable[[Modality, Path, int], Array]] = {
    utd_mhad.NAME: utd_mhad.read_file,
    n_ucla.NAME: n_ucla.read_file,
    ntu60.NAME: ntu60.read_file,
    hmdb51.NAME: hmdb51.read_file,
    table.NAME: read_table_file,
}
"""What reads one raw file of a modality; images get the shorter side that is named last."""

IMAGE_SIDE: int = CorpusSettings.model_fields["image_side"].default


def open_source(settings: CorpusSettings, data: Path | None) -> Source:
    """Return the source that `settings` names; where flow was not recorded, it is computed.

    Args:
        settings: The benchmark and its options.
        data: The folder that holds a folder for each benchmark; the synthetic one needs none. A
            table is named from there, or without it from where the program was started.

    Raises:
        UserError: The benchmark is read from files and there is no such folder, or no table.
    """
    if settings.table is not None:
        own = table.Table((data or Path()) / settings.table, settings.image_side)
        if Modality.FLOW in own.modalities:
            return own
        return WithFlow(own, Modality(settings.flow_of))
    return WithFlow(_benchmark(settings, data), Modality(settings.flow_of))


def _benchmark(settings: CorpusSettings, data: Path | None) -> Source:
    if settings.source == synthetic.NAME:
        return synthetic.Synthetic(settings.synthetic)
    if data is None or not (data / settings.source).is_dir():
        place = (
            "no data folder was named" if data is None else f"no folder {data / settings.source}"
        )
        raise UserError(
            f"{settings.source}: {place}",
            f"a folder with {settings.source} in it",
            "name it with --data FOLDER or FCKD_DATA",
        )
    return OPENED[settings.source](data / settings.source, settings)


def read_recording_file(
    source: str, modality: Modality, path: Path, image_side: int = IMAGE_SIDE
) -> Array:
    """Return one recording from a file: raw as the benchmark has it, or `.npy` in stored form.

    Args:
        source: The benchmark.
        modality: What is wanted.
        path: The file, or a folder where the benchmark has folders.
        image_side: Shorter side of images, pixels.

    Raises:
        UserError: The file is absent, damaged, or not of this modality.
    """
    if path.suffix == ".npy":
        return in_stored_form(read_npy(path), modality, str(path))
    if source not in RAW_READERS:
        raise UserError(
            f"{path}: {source} has no raw files",
            f"a .npy file in the stored form of {modality}",
            "save the array with numpy.save",
        )
    try:
        return RAW_READERS[source](modality, path, image_side)
    except NobodySeenError as empty:
        raise UserError(
            f"{path}: the tracker saw nobody", "a person in at least one frame", "choose another"
        ) from empty
