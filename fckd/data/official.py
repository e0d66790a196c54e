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

    def unlike(self, train: int | None, test: int) -> str:
        """Say in words how counts differ from these; nothing if they do not.

        Args:
            train: None if less of it is used on purpose; it is not compared then.
            test: Of the test part.
        """
        differences = [
            f"{abs(found - right):,} {'more' if found > right else 'fewer'} in {part}"
            for part, found, right in (("train", train, self.train), ("test", test, self.test))
            if found is not None and found != right
        ]
        return f"{' and '.join(differences)} than published ({self})" if differences else ""


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


def nearest(source: str, protocol: str, train: int | None, test: int) -> Published | None:
    """Return the published counts that are least unlike these; None where none are published."""
    return min(
        PUBLISHED.get((source, protocol), ()),
        key=lambda each: abs(each.test - test) + (0 if train is None else abs(each.train - train)),
        default=None,
    )


def compared(source: str, protocol: str, train: int, test: int) -> str:
    """Say in words whether a corpus has the published counts, or how it differs from the nearest.

    Returns nothing where no counts are published.
    """
    published = nearest(source, protocol, train, test)
    if published is None:
        return ""
    return published.unlike(train, test) or f"as published ({published})"
