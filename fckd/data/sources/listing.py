"""The raw files of a benchmark: each found once, none missing, their state in a name."""

import os
import re
from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

from fckd.config.networks import Modality
from fckd.errors import UserError
from fckd.files import fingerprint

Found = dict[Modality, dict[str, Path]]
"""Modality -> sample id -> file or folder."""

LISTED_AT_MOST = 10
LEFT_OUT = "left_out.txt"
"""A list in a benchmark's folder: recordings that it names anywhere in its text are not read."""


def walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder at or below `folder` once, links followed, with its folders and files.

    Whatever is taken from the list of folders is not gone into, as with `os.walk`. Links come last:
    a folder is known by the name it has, not by that of a link to it.
    """
    seen = set()
    starts = deque([folder])
    while starts:
        for place, folders, names in os.walk(starts.popleft()):
            here = Path(place)
            about = here.stat()
            if (about.st_dev, about.st_ino) in seen:
                folders.clear()
                continue
            seen.add((about.st_dev, about.st_ino))
            yield here, folders, names
            starts.extend(here / name for name in folders if (here / name).is_symlink())


def note(found: Found, modality: Modality, sample_id: str, path: Path) -> None:
    """Add a file to `found`.

    Raises:
        UserError: The sample has another file of this modality.
    """
    other = found.setdefault(modality, {}).setdefault(sample_id, path)
    if other != path:
        raise UserError(
            f"{other} and {path} are the {modality} of the same sample",
            "one file for each sample and modality",
            "remove one of the two",
        )


def complete(
    folder: Path, found: Found, modalities: Iterable[Modality], unwanted: Container[str]
) -> dict[str, dict[Modality, Path]]:
    """Return the files of every sample, by sorted sample id: each has every modality asked for.

    Args:
        folder: Of the benchmark, for the message of an error.
        found: What is there.
        modalities: What is wanted.
        unwanted: Ids of samples, in upper case, that are not read.

    Raises:
        UserError: A modality is absent altogether, or some samples lack it.
    """
    wanted = sorted(modalities)
    for modality in wanted:
        if not found.get(modality):
            there = sorted(other for other, files in found.items() if files)
            raise UserError(
                f"{folder} holds no {modality}",
                f"one of {', '.join(there)}" if there else "recordings in the official layout",
                "fetch it, or choose another modality for the student or teacher",
            )
    every = {sample_id for modality in wanted for sample_id in found[modality]}
    sample_ids = sorted(sample_id for sample_id in every if sample_id.upper() not in unwanted)
    for modality in wanted:
        check_whole(folder, modality, found[modality], sample_ids)
    return {
        sample_id: {modality: found[modality][sample_id] for modality in wanted}
        for sample_id in sample_ids
    }


def left_out(folder: Path, pattern: re.Pattern[str], names: Iterable[str]) -> frozenset[str]:
    """Return the ids, in upper case, that match `pattern` in the lists called `names`.

    A list may hold prose, headings and endings of file names: only what matches counts.
    """
    lists = [folder / name for name in names if (folder / name).is_file()]
    try:
        texts = [path.read_text(errors="replace") for path in lists]
    except OSError as refusal:
        raise UserError(
            f"cannot read {refusal.filename}: {refusal.strerror}",
            "a list of recordings to leave out",
            "make it readable, or remove it",
        ) from refusal
    return frozenset(match.group().upper() for text in texts for match in pattern.finditer(text))


def states(folder: Path, paths: Iterable[Path]) -> list[list[str | int]]:
    """Return name, size and time of every file below `folder`, sorted: what names their content.

    A path may be a folder of pictures; what is in it has one fingerprint, for pictures are many.
    """
    return [[str(path.relative_to(folder)), *_state(path)] for path in sorted(paths)]


def _state(path: Path) -> list[str | int]:
    if path.is_dir():
        with os.scandir(path) as entries:
            return [fingerprint(sorted([entry.name, *_size_and_time(entry)] for entry in entries))]
    return _size_and_time(path)


def _size_and_time(file: Path | os.DirEntry[str]) -> list[str | int]:
    # a link that leads nowhere is for the reader to refuse
    state = file.stat(follow_symlinks=file.is_file())
    return [state.st_size, state.st_mtime_ns]


def check_whole(
    folder: Path, modality: Modality, files: Mapping[str, Path], sample_ids: list[str]
) -> None:
    """Raise a UserError that lists the samples without a file, if there are any."""
    missing = [sample_id for sample_id in sample_ids if sample_id not in files]
    if missing:
        more = len(missing) - LISTED_AT_MOST
        shown = ", ".join(missing[:LISTED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
        raise UserError(
            f"{folder} lacks the {modality} of {len(missing)} of {len(sample_ids)} samples: "
            f"{shown}",
            "every modality of every sample that is read",
            f"fetch the missing files, or name these samples in {folder / LEFT_OUT}",
        )
