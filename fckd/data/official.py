"""How many samples the official divisions have, and how a corpus differs from that."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """The counts of one division; `what` says which of several releases has them."""

    train: int
    test: int
    what: str = ""

    def __str__(self) -> str:
        return f"{self.train:,} / {self.test:,}" + (f", {self.what}" if self.what else "")


NO_302 = "without the 302 that lack skeletons"
HMDB51 = (Published(3570, 1530),)

PUBLISHED: dict[tuple[str, str], tuple[Published, ...]] = {
    ("ntu60", "cross-subject"): (Published(40320, 16560), Published(40091, 16487, NO_302)),
    ("ntu60", "cross-view"): (Published(37920, 18960), Published(37646, 18932, NO_302)),
    ("utd-mhad", "cross-subject"): (Published(431, 430),),
    ("n-ucla", "cross-view"): (Published(1020, 464, "the json skeletons"),),
    **{("hmdb51", f"split-{number}"): HMDB51 for number in (1, 2, 3)},
}
"""By source and protocol. The raw release of N-UCLA is published as 1,494 samples altogether."""


def compared(source: str, protocol: str, train: int, test: int) -> str:
    """Say in words whether a corpus has the published counts, or how it differs from the nearest.

    Returns nothing where no counts are published.
    """
    known = PUBLISHED.get((source, protocol), ())
    if not known:
        return ""
    nearest = min(known, key=lambda each: abs(each.train - train) + abs(each.test - test))
    differences = [
        f"{abs(found - right):,} {'more' if found > right else 'fewer'} in {part}"
        for part, found, right in (("train", train, nearest.train), ("test", test, nearest.test))
        if found != right
    ]
    if not differences:
        return f"as published ({nearest})"
    return f"{' and '.join(differences)} than published ({nearest})"
