"""Several official divisions of one benchmark, whose mean is the result (HMDB51 has three)."""

from typing import Annotated

from pydantic import Field

from fckd.config.corpus import PROTOCOLS, Protocol, SourceName

Protocols = Annotated[
    tuple[Protocol, ...],
    Field(
        description="every run is made under each, with its own teachers; the score of a seed is "
        "the mean over them. Empty: the experiment's own alone"
    ),
]


def check_protocols(source: SourceName, protocols: tuple[Protocol, ...]) -> None:
    """Check that `source` has these protocols, each named once.

    Raises:
        ValueError: It has not.
    """
    possible = ", ".join(PROTOCOLS[source])
    for place, protocol in enumerate(protocols):
        if protocol not in PROTOCOLS[source]:
            raise ValueError(f"protocols: {source} has no protocol {protocol}: one of {possible}")
        if protocol in protocols[:place]:
            raise ValueError(f"protocols: {protocol} is named twice")
