"""The split lists of HMDB51: 51 classes × 3 splits, a line for every clip."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fckd.data.sources.base import Split
from fckd.errors import UserError

CLASSES = (
    "brush_hair",
    "cartwheel",
    "catch",
    "chew",
    "clap",
    "climb",
    "climb_stairs",
    "dive",
    "draw_sword",
    "dribble",
    "drink",
    "eat",
    "fall_floor",
    "fencing",
    "flic_flac",
    "golf",
    "handstand",
    "hit",
    "hug",
    "jump",
    "kick",
    "kick_ball",
    "kiss",
    "laugh",
    "pick",
    "pour",
    "pullup",
    "punch",
    "push",
    "pushup",
    "ride_bike",
    "ride_horse",
    "run",
    "shake_hands",
    "shoot_ball",
    "shoot_bow",
    "shoot_gun",
    "sit",
    "situp",
    "smile",
    "smoke",
    "somersault",
    "stand",
    "swing_baseball",
    "sword",
    "sword_exercise",
    "talk",
    "throw",
    "turn",
    "walk",
    "wave",
)
"""Names of folders and lists; their order is that of the labels."""

PROTOCOLS = ("split-1", "split-2", "split-3")
PARTS: dict[str, Split] = {"0": "unused", "1": "train", "2": "test"}
SUFFIX = ".avi"


@dataclass
class Listed:
    """A clip as the lists have it: its class, and its part in every protocol."""

    label: int
    splits: dict[str, Split] = field(default_factory=dict)


def read_split_lists(folder: Path) -> dict[str, Listed]:
    """Return the clips that at least one split uses, by name without `.avi`.

    Args:
        folder: Holds `<class>_test_split<1, 2 or 3>.txt`.

    Raises:
        UserError: A list is absent, has a line that is no clip and part, or has a clip twice; or
            a clip is in some lists only. Names the file.
    """
    clips: dict[str, Listed] = {}
    for label, action in enumerate(CLASSES):
        for number, protocol in enumerate(PROTOCOLS, start=1):
            path = folder / f"{action}_test_split{number}.txt"
            for clip, part in _lines(path):
                listed = clips.setdefault(clip, Listed(label))
                if listed.label != label or protocol in listed.splits:
                    raise _wrong(path, f"{clip} is listed twice")
                listed.splits[protocol] = part
    for clip, listed in clips.items():
        if len(listed.splits) < len(PROTOCOLS):
            absent = set(PROTOCOLS) - set(listed.splits)
            raise _wrong(folder, f"{clip} is not listed in {', '.join(sorted(absent))}")
    return {
        clip: listed for clip, listed in clips.items() if set(listed.splits.values()) != {"unused"}
    }


def _lines(path: Path) -> Iterator[tuple[str, Split]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as refusal:
        raise _wrong(path, f"it cannot be read: {refusal}") from refusal
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, _, part = line.strip().rpartition(" ")
        clip = name.rstrip().removesuffix(SUFFIX)
        if part not in PARTS or not clip or clip == name.rstrip():
            raise _wrong(path, f"line {number} is {line!r}")
        yield clip, PARTS[part]


def _wrong(path: Path, what: str) -> UserError:
    return UserError(
        f"{path}: {what}",
        "the official lists, with a line `name.avi 0|1|2` (unused, train, test) for every clip",
        "fetch test_train_splits.rar of HMDB51 again and unpack it there",
    )
