"""A flame graph of what `py-spy record -F -f raw` saw, below one function.

    py-spy record --pid PID -d 25 -r 50 -F -f raw -o epoch.txt     # of a ray::RayTrainWorker
    python -m benchmarks.flame_graph epoch.txt docs/epoch.png --below _Run.epoch

Each box is a function, as wide as the share of samples in which it was on the stack; what it calls
stands above it. Boxes too narrow to see are left out. It also prints the widest functions.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

COLOURS = {"fckd": "#e8895a", "torch": "#8fb3d9", "ray": "#9fc59a", "mlflow": "#c7a6d6"}
OTHER = "#d9d3c7"
LETTER = 0.0062
"""Of the picture's width."""
NARROWEST = 0.004
"""Of the samples."""
LISTED = 14


@dataclass
class Box:
    """A function under the functions that called it."""

    samples: int = 0
    inner: dict[str, "Box"] = field(default_factory=dict)


def main() -> None:
    """Draw it."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("samples", type=Path)
    options.add_argument("picture", type=Path)
    options.add_argument("--below", help="a function's name; everything if not given")
    options.add_argument("--deepest", type=int, default=16)
    given = options.parse_args()
    stacks = Counter[tuple[str, ...]]()
    for line in given.samples.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        found = _below([_name(frame) for frame in stack.split(";")], given.below)
        if found:
            stacks[tuple(found)] += int(count)
    root = _piled(stacks)
    if not root.samples:
        raise SystemExit(f"no sample below {given.below}")
    _draw(root, given.picture, given.deepest)
    for name, share in _widest(stacks).most_common(LISTED):
        print(f"{share / root.samples:5.1%}  {name}")


def _name(frame: str) -> str:
    """Return `function, package/module` of py-spy's `function (path:line)`."""
    match = re.match(r"(.+?) \((.*?)(:\d+)?\)$", frame)
    if match is None:
        return frame
    parts = match[2].removesuffix(".py").split("/")
    package = next((place for place, part in enumerate(parts) if part in COLOURS), len(parts) - 1)
    return f"{match[1]}, {'/'.join([*parts[package : package + 1], *parts[package + 1 :][-2:]])}"


def _below(stack: list[str], name: str | None) -> list[str]:
    if name is None:
        return stack
    starts = [place for place, frame in enumerate(stack) if frame.partition(",")[0] == name]
    return stack[starts[0] :] if starts else []


def _piled(stacks: Counter[tuple[str, ...]]) -> Box:
    root = Box()
    for stack, count in stacks.items():
        root.samples += count
        box = root
        for name in stack:
            box = box.inner.setdefault(name, Box())
            box.samples += count
    return root


def _widest(stacks: Counter[tuple[str, ...]]) -> Counter[str]:
    widest = Counter[str]()
    for stack, count in stacks.items():
        widest.update(dict.fromkeys(stack, count))
    return widest


def _draw(root: Box, picture: Path, deepest: int) -> None:
    placed = list(_placed(root, 0.0, 0, root.samples))
    shown = [box for box in placed if box[2] < deepest and box[3] >= NARROWEST]
    height = 1 + max(depth for _, _, depth, _ in shown)
    figure = Figure(figsize=(14, 0.6 + 0.3 * height), layout="constrained")
    axes = figure.add_subplot()
    for name, start, depth, share in shown:
        _draw_box(axes, name, start, depth, share)
    axes.set(xlim=(0, 1), ylim=(0, height), yticks=[], xlabel="share of the samples")
    axes.spines[["top", "left", "right"]].set_visible(False)
    figure.savefig(picture, dpi=110)


def _draw_box(axes: Axes, name: str, start: float, depth: int, share: float) -> None:
    place = name.partition(", ")[2]
    colour = COLOURS.get(place.partition("/")[0], OTHER)
    axes.add_patch(Rectangle((start, depth), share, 0.94, facecolor=colour, edgecolor="white"))
    letters = int(share / LETTER)
    if letters > 3:
        told = name if len(name) <= letters else name.partition(",")[0]
        axes.text(start + 0.002, depth + 0.47, told[:letters], fontsize=7, va="center")


def _placed(
    box: Box, start: float, depth: int, whole: int
) -> Iterator[tuple[str, float, int, float]]:
    for name, inner in sorted(box.inner.items(), key=lambda item: -item[1].samples):
        share = inner.samples / whole
        yield name, start, depth, share
        yield from _placed(inner, start, depth + 1, whole)
        start += share


if __name__ == "__main__":
    main()
