"""The kinds of documents that people write; light, for the command's help names them."""

from enum import StrEnum


class Kind(StrEnum):
    """What a document describes."""

    SPACE = "space"
    COMPARISON = "comparison"
