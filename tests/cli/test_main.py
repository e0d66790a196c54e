"""The command itself: its flags, its exit codes, and messages that can be copied."""

import errno
import json
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer.main

from fckd.cli.main import app
from fckd.config.kind import Kind
from fckd.config.reference import reference
from fckd.errors import Halted, Stopped, StorageLost, TrainingError, UserError
from fckd.sweep.account import Account
from tests.cli.command import fckd
from tests.cli.conftest import DEMO

SPACE = {"--set", "--smoke", "--data"}
STUDENT = {"--engine", "--public-key", "--trust-plug-in"}
FLAGS = {
    "prepare": SPACE | {"--skip-damaged"},
    "inspect": {"--storage"},
    "teach": SPACE,
    "lessons": SPACE,
    "distill": SPACE,
    "sweep": SPACE,
    "compare": SPACE,
    "plan": SPACE,
    "report": {"--storage"},
    "status": {"--storage", "--json", "--watch"},
    "stop": {"--storage"},
    "pause": {"--storage"},
    "resume": {"--storage"},
    "scale": {"--groups", "--storage"},
    "pull": {"--out", "--storage", "--public-key"},
    "predict": STUDENT | {"--camera", "--out", "--top", "--window"},
    "evaluate": STUDENT | {"--split", "--protocol", "--out", "--storage"},
    "promote": {"--force", "--reason", "--storage"},
    "rollback": {"--storage"},
    "lineage": {"--storage"},
    "schema": {"--markdown"},
    "doctor": {"--storage"},
}
"""A new knob belongs into the configuration, not here."""


def test_these_are_all_verbs_and_all_flags():
    verbs = typer.main.get_command(app).commands
    found = {
        name: {flag for option in verb.params for flag in option.opts if flag.startswith("-")}
        for name, verb in verbs.items()
    }
    assert found == FLAGS


@pytest.mark.parametrize("verb", FLAGS)
def test_every_verb_says_what_it_does(verb):
    ran = fckd(verb, "--help")
    assert ran.code == 0
    assert typer.main.get_command(app).commands[verb].help.split("\n")[0][:40] in ran.out


@pytest.fixture
def failing(monkeypatch):
    """Return a function that makes `prepare` raise."""

    def fail(error):
        def prepare(*_given, **_options):
            raise error

        monkeypatch.setattr("fckd.cli.steps.prepare_corpus", prepare)
        return fckd("prepare", DEMO)

    return fail


def test_a_mistake_of_the_user_ends_with_2(failing):
    ran = failing(UserError("a", "b", "c"))
    assert (ran.code, ran.err) == (2, "error: a\n  expected: b\n  to do:    c\n")


def full_disk():
    error = UserError("cannot write to a: No space left on device", "b", "c")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    return error


@pytest.mark.parametrize(
    "error", [Halted("a", "b", "c"), StorageLost("a", "b", "c"), full_disk()], ids=repr
)
def test_a_machine_in_trouble_ends_with_75_for_the_same_command_goes_on_later(failing, error):
    ran = failing(error)
    assert (ran.code, ran.err) == (75, f"error: {error}\n")


def test_a_training_that_broke_down_ends_with_1_and_no_traceback(failing):
    ran = failing(TrainingError("the loss is nan"))
    assert (ran.code, ran.err) == (1, "training failed: the loss is nan\n")


def test_a_mistake_of_ours_is_not_dressed_up_as_the_users(failing):
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())


def test_an_end_that_was_asked_for_is_0_and_that_of_a_budget_is_1(failing):
    asked = failing(Stopped(None))
    assert (asked.code, asked.err) == (0, "stopped; run the same command again to go on\n")
    spent = failing(Account(limit=1.0, earlier=1.0).end("nothing is done"))
    assert spent.code == 1
    assert spent.err.startswith("budget.device_hours: 1.00 of 1 are spent; nothing is done\n")


def test_the_version_can_be_asked_for():
    ran = fckd("--version")
    assert (ran.code, ran.out) == (0, f"fckd {version('fckd')}\n")


def test_control_c_says_that_the_command_can_be_run_again(failing):
    ran = failing(KeyboardInterrupt())
    assert (ran.code, ran.err) == (130, "stopped; run the same command again to go on\n")


def test_a_message_is_printed_as_it_is_however_long_and_whatever_brackets_it_holds(failing):
    given = f"/{'x' * 200}/[red]/[1]/:smile:\\[/end"
    assert failing(UserError(given, "b", "c")).err.startswith(f"error: {given}\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("prepare", "absent.yaml"), "no such file: absent.yaml\n"),
        (("report", "absent"), "no sweep is called absent in "),
    ],
)
def test_a_wrong_name_is_refused_before_the_heavy_packages_are_imported(place, words, says):
    script = (
        "import sys; from fckd.cli.main import main\n"
        "try: main()\n"
        "finally: print(sorted({'torch', 'ray', 'mlflow', 'matplotlib'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, *words],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 2
    assert ran.stdout == "[]\n"
    assert ran.stderr.startswith(f"error: {says}")


@pytest.mark.parametrize(("kind", "field"), [("space", "search"), ("comparison", "arms")])
def test_a_schema_is_printed_as_one_json_document(kind, field):
    assert field in json.loads(fckd("schema", kind).out)["properties"]


@pytest.mark.parametrize("kind", Kind)
def test_what_a_document_may_say_is_printed_for_people_too(kind):
    assert fckd("schema", kind, "--markdown").out == reference(kind) + "\n"
