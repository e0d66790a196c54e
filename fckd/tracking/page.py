"""The HTML of the report. Every text passes through `escape`."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from fckd.tracking.names import number
from fckd.tracking.redaction import redact

Figures = dict[str, tuple[str, bytes]]
"""Name -> escaped caption and PNG."""

SYNTHETIC = (
    "The samples are synthetic: made by a program, not recorded. "
    "The figures show that the method runs, not what it is worth on recordings."
)

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --quiet: #52606d; --line: #d9dee4;
  --ground: #fbfcfd; --raised: #ffffff; --accent: #b45309; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --quiet: #9aa5b1; --line: #3a4450;
  --ground: #14181d; --raised: #1c2229; --accent: #f0a35e; } }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.2rem 4rem; background: var(--ground);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.4rem 0 .6rem; }
.quiet, figcaption { color: var(--quiet); font-size: .9rem; }
.verdict { font-size: 1.2rem; border-left: 4px solid var(--accent); padding: .4rem 1rem;
  margin: 1.2rem 0; }
.note { border: 1px solid var(--accent); border-radius: 8px; padding: .5rem 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem 1.1rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--quiet); font-weight: 500; } thead th { white-space: nowrap; }
figure { margin: 1rem 0; background: var(--raised); border: 1px solid var(--line);
  border-radius: 8px; padding: .8rem; }
figure img { max-width: 100%; display: block; background: #fff; border-radius: 4px; }
code, pre { font: .88rem/1.5 ui-monospace, monospace; }
pre { background: var(--raised); border: 1px solid var(--line); border-radius: 8px;
  padding: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
"""


def page(leaderboard: Mapping[str, Any], figures: Figures, facts: Mapping[str, Any]) -> str:
    """Return the whole report as one HTML document without any outside reference."""
    facts = redact(facts)
    name = escape(leaderboard["sweep"])
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>fckd: {name}</title><style>{_STYLE}</style></head><body>",
            *_top(leaderboard, facts),
            *_confirmed(leaderboard, figures),
            *_counts(leaderboard),
            *_search(figures),
            *_confusions(figures),
            *_transferred(figures),
            *_origin(facts),
            "</body></html>\n",
        ]
    )


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Return an HTML table of texts; the first cell of a row is its heading."""
    header = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    header = f"<thead><tr>{header}</tr></thead>" if header else ""
    return f'<div class="scroll"><table>{header}<tbody>{body}</tbody></table></div>'


def percent(share: float) -> str:
    """Return a share of 1 in per cent with one decimal."""
    return f"{100 * share:.1f} %"


def points(difference: Mapping[str, Any] | None) -> str:
    """Return a difference of two shares, with its interval, in points."""
    if difference is None:
        return "–"
    low, high = difference["interval"]
    return f"{100 * difference['mean']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def _top(leaderboard: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterable[str]:
    yield f"<h1>{escape(leaderboard['sweep'])}</h1>"
    when = f"{facts.get('started', '?')} to {facts.get('ended', '?')}"
    yield f'<p class="quiet">A sweep over {escape(leaderboard["source"])}, {escape(when)}</p>'
    yield f'<p class="verdict">{escape(leaderboard["verdict"])}</p>'
    if leaderboard["source"] == "synthetic":
        yield f'<p class="note">{escape(SYNTHETIC)}</p>'
    student = leaderboard.get("registered")
    if student:
        alias = f", alias {student['alias']}" if student.get("alias") else ""
        kept = f"{student['name']}, version {student['version']}{alias}"
        yield f"<p>Registered student: <code>{escape(kept)}</code></p>"


def _confirmed(leaderboard: Mapping[str, Any], figures: Figures) -> Iterable[str]:
    split = escape(leaderboard["split"])
    protocols = escape(", ".join(leaderboard.get("protocols", {})))
    each = f" of each of {protocols}; the score of a seed is their mean" if protocols else ""
    yield "<h2>Confirmed result</h2>"
    yield (
        '<p class="quiet">Chosen by validation, trained again with fresh seeds on '
        f"train + validation, measured once on {split}{each}. Intervals: 95 %.</p>"
    )
    head = [
        "arm",
        f"accuracy on {leaderboard['split']}",
        "95 % interval",
        "difference, points",
        "n",
    ]
    yield table((_arm_row(arm) for arm in leaderboard["arms"]), head)
    yield _figure(figures, "leaderboard")
    if protocols:
        yield from _by_protocol(leaderboard)
    yield "<h2>Parameters of the arms</h2>"
    yield table(
        [arm["arm"], ", ".join(f"{name} = {number(value)}" for name, value in _searched(arm))]
        for arm in leaderboard["arms"]
    )


def _by_protocol(leaderboard: Mapping[str, Any]) -> Iterable[str]:
    protocols = list(leaderboard["protocols"])
    yield "<h2>By protocol</h2>"
    yield table(
        (
            [arm["arm"], *(_range(arm["by_protocol"][name]) for name in protocols)]
            for arm in leaderboard["arms"]
        ),
        ["arm", *protocols],
    )


def _range(scores: Mapping[str, Any]) -> str:
    low, high = scores["interval"]
    return f"{percent(scores['mean'])} ({percent(low)} to {percent(high)})"


def _arm_row(arm: Mapping[str, Any]) -> list[str]:
    interval = " to ".join(percent(end) for end in arm["interval"])
    difference = arm.get("difference")
    against = f" to {difference['against']}" if difference else ""
    return [arm["arm"], percent(arm["mean"]), interval, points(difference) + against, str(arm["n"])]


def _searched(arm: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return sorted(arm.get("parameters", {}).items())


def _counts(leaderboard: Mapping[str, Any]) -> Iterable[str]:
    yield "<h2>Samples</h2>"
    rows = [[split, str(count)] for split, count in leaderboard["counts"].items()]
    for protocol, counts in leaderboard.get("protocols", {}).items():
        rows += [[f"{split} of {protocol}", str(count)] for split, count in counts.items()]
    yield table(rows, ["split", "samples"])
    yield f'<p class="quiet">{len(leaderboard["classes"])} classes.</p>'


def _search(figures: Figures) -> Iterable[str]:
    yield "<h2>The search</h2>"
    for name in ("trade-off", "history", "importance", "parallel", "ratio", "curves"):
        if name in figures:
            yield _figure(figures, name)


def _confusions(figures: Figures) -> Iterable[str]:
    yield "<h2>What is confused with what</h2>"
    for name in figures:
        if name.startswith("confusion"):
            yield _figure(figures, name)


def _transferred(figures: Figures) -> Iterable[str]:
    names = [name for name in figures if name.startswith("sight-")]
    if names:
        yield "<h2>What was transferred</h2>"
        yield '<p class="quiet">In the run whose student was packed.</p>'
    for name in names:
        yield _figure(figures, name)


def _origin(facts: Mapping[str, Any]) -> Iterable[str]:
    yield "<h2>How to make this again</h2>"
    yield f"<pre>{escape(str(facts.get('command', 'unknown')))}</pre>"
    for title in ("cost", "versions", "fingerprints"):
        yield f"<h2>{title.capitalize()}</h2>"
        yield table([str(key), number(value)] for key, value in facts.get(title, {}).items())


def _figure(figures: Figures, name: str) -> str:
    caption, image = figures[name]
    source = f"data:image/png;base64,{b64encode(image).decode()}"
    return (
        f'<figure><img alt="{escape(name)}" src="{source}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
