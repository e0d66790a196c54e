"""What storing frames as pictures saves and costs: `python -m benchmarks.frame_coding [VIDEO ...]`.

Every clip is stored in each coding; then readings of 16 frames at 112 pixels are made of it, as
training makes them, the codings taking turns. Without a video the demo's figure is filmed.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from fckd.config.corpus import SyntheticSettings
from fckd.config.experiment import ViewSettings
from fckd.config.networks import Modality
from fckd.data.coding import Coding, encoded
from fckd.data.flow import optical_flow
from fckd.data.forms import Array
from fckd.data.frames import EncodedFrames, Frames
from fckd.data.sources.synthetic import Synthetic
from fckd.data.video import read_video
from fckd.data.views import read_flow, read_images, view_of

SIDE, FRAMES, ROUNDS = 112, 16, 40
CODINGS: dict[Modality, tuple[Coding, ...]] = {
    Modality.RGB: ("jpeg", "png"),
    Modality.DEPTH: ("png",),
    Modality.FLOW: ("png",),
}


def stored(clip: Array, coding: Coding) -> EncodedFrames:
    """Return the clip as a corpus holds it."""
    pictures = [encoded(frame, coding) for frame in clip]
    ends = np.cumsum([len(picture) for picture in pictures])
    content = memoryview(b"".join(pictures))
    return EncodedFrames(content, ends, clip.shape, clip.dtype, "here")


def clips(files: Sequence[Path] = ()) -> dict[str, tuple[Modality, Array]]:
    """Return what is measured, by name: of these videos, else of the demo's figure."""
    videos = {path.name: read_video(path, SIDE) for path in files}
    source = Synthetic(SyntheticSettings(size=SIDE))
    figure = source.recordings(())[0]
    videos = videos or {"figure": source.read(figure, Modality.RGB)}
    found: dict[str, tuple[Modality, Array]]
    found = {f"rgb of {name}": (Modality.RGB, video) for name, video in videos.items()}
    for name, video in videos.items():
        found[f"flow of {name}"] = (Modality.FLOW, optical_flow(video, name))
    found["depth of figure"] = (Modality.DEPTH, source.read(figure, Modality.DEPTH))
    return found


def reading(modality: Modality, clip: Frames, number: int) -> Array:
    """Return a reading of the clip under view `number`."""
    read = read_flow if modality is Modality.FLOW else read_images
    return read(clip, view_of(ViewSettings(), "clip", number), FRAMES, SIDE)


def milliseconds(action: Callable[[], object]) -> float:
    """Return how long `action` takes."""
    start = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    """Measure every clip in every coding, and print a Markdown table."""
    print("| clip | stored as | bytes a frame | of raw | mean error | a reading of 16 | of raw |")
    print("|---|---|---|---|---|---|---|")
    for name, (modality, clip) in clips([*map(Path, sys.argv[1:])]).items():
        forms: dict[str, Frames] = {"raw": np.ascontiguousarray(clip)}
        forms |= {coding: stored(clip, coding) for coding in CODINGS[modality]}
        times: dict[str, list[float]] = {form: [] for form in forms}
        for turn in range(ROUNDS):
            for form, content in forms.items():
                times[form].append(milliseconds(partial(reading, modality, content, turn)))
        raw_time = statistics.median(times["raw"])
        for form, content in forms.items():
            back = content[np.arange(len(clip))].astype(int)
            error, spent = np.abs(back - clip).mean(), statistics.median(times[form])
            print(
                f"| {name} {clip.shape[1:]} | {form} | {content.nbytes / len(clip):,.0f} "
                f"| {content.nbytes / clip.nbytes:.2f} | {error:.2f} | {spent:.1f} ms "
                f"| {spent / raw_time:.2f} |"
            )


if __name__ == "__main__":
    main()
