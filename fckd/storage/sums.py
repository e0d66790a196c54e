"""The list of an artefact's files, by which a copy is told from a damaged or unfinished one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field

from fckd.config.base import Configuration
from fckd.files import sha256_of_file

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
"""Of a plain file in the artefact's folder: it can lead nowhere else."""

SUFFIX_DIGITS = 16


class FileSum(Configuration):
    """What one file must be."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return what the file at `path` is."""
        return cls(bytes=path.stat().st_size, sha256=sha256_of_file(path))


class Sums(Configuration):
    """All files of an artefact."""

    schema_version: Literal[1] = 1
    files: Annotated[Mapping[FileName, FileSum], Field(min_length=1)]

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Return the sums of every file in `folder`; a folder in it is not of the artefact."""
        files = [path for path in sorted(folder.iterdir()) if path.is_file()]
        return cls(files={path.name: FileSum.of(path) for path in files})

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.bytes for file in self.files.values())

    def object_name(self, name: str) -> str:
        """Return under what the file `name` is kept on the shelf.

        The content is part of it: two machines that make the same artefact at the same time do
        not overwrite each other's files, even where the bytes differ.
        """
        return f"{name}.{self.files[name].sha256[:SUFFIX_DIGITS]}"
