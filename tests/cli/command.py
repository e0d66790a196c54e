"""The command `fckd` run in this process, and the refusal that every bad input must meet."""

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from fckd.cli.main import main


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def fckd(*words: object) -> Ran:
    """Run `fckd` with these words."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        patch.object(sys, "argv", ["fckd", *map(str, words)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())


def listing(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder` with its content; lock files come and go."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def refusal(folder: Path, *words: object) -> str:
    """Run a command that must be refused; return its one message.

    It ends with exit code 2, says on stderr what was given, what was expected and what to do, and
    leaves `folder` as it was.
    """
    before = listing(folder)
    ran = fckd(*words)
    assert ran.code == 2, f"exit code {ran.code}\n{ran.out}\n{ran.err}"
    assert "Traceback" not in ran.err
    assert ran.err.startswith("error: ")
    given, expected, remedy = ran.err.removeprefix("error: ").partition("\n  expected: ")
    expected, _, remedy = remedy.partition("\n  to do:    ")
    for part in (given, expected, remedy):
        assert part.strip(), f"a part is missing:\n{ran.err}"
    assert ran.err.count("\n  to do:    ") == 1, "more than one message"
    assert listing(folder) == before, "something was left behind"
    return ran.err
