"""`fckd predict`: one recording with its probabilities, many as a table, or a camera."""

import glob
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from fckd.cli.lines import say
from fckd.cli.loading import Asked
from fckd.data.manifest import MANIFEST
from fckd.errors import UserError
from fckd.registry.answers_file import check_place, write_answers
from fckd.registry.folder import CARD
from fckd.registry.predict import Prediction, ask, predictions
from fckd.registry.student import Student

PICTURES = {".png", ".jpg", ".jpeg"}


def predict_recordings(
    console: Console,
    asked: Asked,
    samples: Sequence[str],
    *,
    out: Path | None,
    top: int,
) -> None:
    """Print what the student says about each recording, or write it all to a table.

    A recording that is not what it should be is left out, and told of at the end.

    Raises:
        UserError: The student or a recording is not what it should be, or there is no place for the
            table.
    """
    if out is not None:
        check_place(out)
    started = time.perf_counter()
    student = asked.load()
    seconds = time.perf_counter() - started
    names, times = list(_named(samples)), list[tuple[float, float]]()
    left_out = dict[str, UserError]()
    said = _timed(_answered(student, names, top, left_out), times)
    if out is not None:
        written = write_answers(out, said, top)
        say(console, f"{written} recordings: {out}" if written else f"{out} was not written")
    else:
        for prediction in said:
            if len(names) > 1:
                say(console, prediction.sample)
            _show(console, prediction)
    if times:
        say(console, f"{student.engine}: loaded in {seconds:.2f} s, {_latency(times)}")
    if left_out:
        raise _all_of(left_out, len(names))


def watch_camera(
    console: Console,
    asked: Asked,
    camera: str,
    *,
    window: int,
    top: int,
) -> None:
    """Print what the student says about the last `window` frames, twice in each window.

    Raises:
        UserError: The student is not what it should be, or there is no such camera.
    """
    from fckd.registry.stream import clips

    student = asked.load()
    for frames, clip in clips(camera, student.card, window, max(1, window // 2)):
        said = ask(student, frames, clip, top=top)
        best = ", ".join(f"{action} {share:.1%}" for action, share in said.top)
        say(console, f"frames {frames}: {best} ({sum(said.milliseconds):.1f} ms)")


def _named(samples: Sequence[str]) -> Iterator[str]:
    """Yield recordings: patterns are expanded, and so are folders of other than pictures."""
    for sample in samples:
        there = Path(sample).exists()
        for name in [sample] if there else sorted(glob.glob(sample)) or [sample]:  # noqa: PTH207 - also of absolute patterns
            yield from _inside(Path(name)) or [name]


def _inside(folder: Path) -> list[str]:
    """Return the recordings in a folder of recordings; none if it is one itself."""
    if not folder.is_dir() or any((folder / name).is_file() for name in (CARD, MANIFEST)):
        return []
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    if any(path.suffix.lower() in PICTURES for path in inside):
        return []
    return [str(path) for path in inside]


def _answered(
    student: Student, samples: Sequence[str], top: int, left_out: dict[str, UserError]
) -> Iterator[Prediction]:
    for sample in samples:
        try:
            yield from predictions(student, [sample], top)
        except UserError as refusal:
            # its traceback would hold what was read
            left_out[sample] = UserError(refusal.given, refusal.expected, refusal.remedy)


def _all_of(left_out: Mapping[str, UserError], asked: int) -> UserError:
    """Return one error that tells of every recording that was left out."""
    if asked == 1:
        return next(iter(left_out.values()))
    lines = (
        f"  {name}: {each.given} (expected: {each.expected})" for name, each in left_out.items()
    )
    return UserError(
        "\n".join([f"{len(left_out)} of {asked} recordings were left out:", *lines]),
        "recordings that the student can read",
        "mend the recordings named above and ask about them again; the others were answered",
    )


def _timed(said: Iterable[Prediction], times: list[tuple[float, float]]) -> Iterator[Prediction]:
    for prediction in said:
        times.append(prediction.milliseconds)
        yield prediction


def _latency(times: Sequence[tuple[float, float]]) -> str:
    reading, network = (statistics.median(column) for column in zip(*times, strict=True))
    first = f", the first {sum(times[0]):.1f} ms" if len(times) > 1 else ""
    of = f" (median of {len(times)}{first})" if len(times) > 1 else ""
    return f"reading {reading:.1f} ms, network {network:.1f} ms{of}"


def _show(console: Console, prediction: Prediction) -> None:
    for action, probability in prediction.top:
        mark = "→" if action == prediction.action else " "
        say(console, f"{mark} {probability:6.1%}  {action}")
    if prediction.true is not None:
        say(console, f"  the corpus says: {prediction.true}")
