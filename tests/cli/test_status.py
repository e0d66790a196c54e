"""status, stop, pause, resume, scale: from another terminal, through the ledger alone."""

import io
import json
import time
from types import SimpleNamespace

import pytest
from rich.console import Console

from fckd.cli.status import print_status
from fckd.sweep.attendance import Attendance
from fckd.sweep.control import DRIVER, ENDED, PHASES, Control, Wishes
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.phases import Search, confirmation
from tests.cli.command import fckd, refusal
from tests.cli.ledgers import break_ledger, mend_ledger
from tests.sweep.spaces import CORRELATION, RATIO, space

CAMPAIGN = "small-01234567"
POINT = {RATIO: 0.5, CORRELATION: 1.0}


@pytest.fixture
def folder(place):
    made = place / "fckd-storage" / "sweeps" / CAMPAIGN
    made.mkdir(parents=True)
    return made


@pytest.fixture
def storage(folder):
    return open_ledger(folder.parents[1])


@pytest.fixture
def attendance(storage):
    control = Control.open(storage, CAMPAIGN, {"name": "small"})
    return Attendance(control, 2, lambda _: None, room=lambda: 3)


@pytest.fixture
def search(storage, folder, attendance):
    """A search of eight: one finished, one pruned, one failed, one that runs; four are to come."""
    given = space(search={"points": [POINT]}, budget={"trials": 8})
    phase = Search(given, CAMPAIGN, storage, folder)
    attendance.enter(phase, 30)
    for state, reason in (("finished", ""), ("pruned", ""), ("failed", "the loss is nan")):
        phase.ledger.tell(phase.ledger.ask().key, state, 0.75, reason)
    phase.ledger.ask()
    attendance.sign()
    return phase


def told(ran):
    assert (ran.code, ran.err) == (0, "")
    return ran.out


# status


def test_status_tells_phase_driver_counts_budget_best_and_failures(search):
    lines = told(fckd("status", "small")).splitlines()
    assert lines[0] == f"{CAMPAIGN}: search"
    assert lines[1].startswith("driver: alive (process ")
    assert lines[1].endswith("2 at a time")
    assert lines[2] == (
        "search: 3 of 8 ended · 1 running, 4 waiting, 1 finished, 1 pruned, 1 failed"
    )
    assert lines[3] == "spent: 0.00 device-hours"
    assert lines[4] == "budget: 0 of 30 min spent, 30 min left"
    assert lines[6].startswith(f"best: {CAMPAIGN}-0000 at 75.0 %")
    assert "ratio=0.5" in lines[6]
    assert lines[-1] == f"  ✗ {CAMPAIGN}-0002: the loss is nan"


def test_status_as_json_says_the_same(search):
    said = json.loads(told(fckd("status", CAMPAIGN, "--json")))
    assert (said["campaign"], said["phase"], said["alive"]) == (CAMPAIGN, "search", True)
    assert said["counts"]["search"] == {
        "planned": 8, "running": 1, "waiting": 4, "finished": 1, "pruned": 1, "failed": 1,
    }  # fmt: skip
    assert said["best"]["parameters"][RATIO] == 0.5
    assert said["failures"] == [[f"{CAMPAIGN}-0002", "the loss is nan"]]


def test_a_reason_with_brackets_is_told_as_it_is(search):
    reason = "worker [rank 0] lost [/opt/x]: [bold]no[/bold]"
    search.ledger.tell(search.ledger.ask().key, "failed", 0.0, reason)
    said = json.loads(told(fckd("status", CAMPAIGN, "--json")))
    assert said["failures"][-1][1] == reason
    assert told(fckd("status", CAMPAIGN)).splitlines()[-1].endswith(reason)


def test_status_before_the_first_trial_says_that_it_is_being_prepared(attendance):
    attendance.sign()
    assert told(fckd("status", "small")).startswith(f"{CAMPAIGN}: preparing\ndriver: alive")


def test_a_silent_driver_is_told_with_the_length_of_its_silence(search, storage):
    control = Control(storage, CAMPAIGN)
    driver = control.read()[DRIVER]
    control.write(DRIVER, {**driver, "seen": time.time() - 180})
    lines = told(fckd("status", "small")).splitlines()
    assert lines[1].startswith("driver: no sign of life for 3 min")
    assert "run the command again" in lines[1]


def test_the_newest_of_a_name_is_meant(search, storage, folder):
    newer = folder.with_name("small-89abcdef")
    newer.mkdir()
    Control.open(storage, newer.name, {"name": "small"})
    Control(storage, newer.name).write(PHASES, {})
    assert told(fckd("status", "small")).startswith(newer.name)


def test_status_without_a_name_lists_every_campaign_with_its_state(search, storage, attendance):
    for number, record in enumerate(({}, {ENDED: {"state": "finished", "time": time.time()}})):
        control = Control.open(storage, f"other-{number:08}", {"name": "other"})
        for name, value in record.items():
            control.write(name, value)
    assert told(fckd("status")).splitlines() == [
        f"{CAMPAIGN}: running", "other-00000000: no sign of life", "other-00000001: finished",
    ]  # fmt: skip
    assert json.loads(told(fckd("status", "--json")))[CAMPAIGN] == "running"


@pytest.mark.parametrize("words", [["small", "--json"], []], ids=str)
def test_only_one_sweep_can_be_watched_and_only_by_people(search, place, words):
    assert "--watch" in refusal(place, "status", *words, "--watch")


def test_a_confirmation_counts_its_own_seeds_and_not_those_of_an_earlier_one(
    storage, folder, attendance
):
    """One study keeps the runs of all seeds, so that none is trained a second time."""

    def confirming(first_seed):
        given = space(confirmation={"first_seed": first_seed})
        phase = confirmation(given, CAMPAIGN, storage, folder, [("small-0000", POINT)])
        attendance.enter(phase, None)
        attendance.sign()
        return phase.ledger

    earlier = confirming(1000)
    earlier.tell(earlier.ask().key, "failed", None, "of an earlier seed")
    for asked in iter(earlier.ask, None):
        earlier.tell(asked.key, "finished", 0.5)
    now = confirming(2000)
    now.tell(now.ask().key, "finished", 0.5)
    now.ask()
    said = told(fckd("status", "small"))
    assert (
        "confirmation: 1 of 6 ended · 1 running, 4 waiting, 1 finished, 0 pruned, 0 failed" in said
    )
    assert "of an earlier seed" not in said
    confirming(1000)
    assert "confirmation: 6 of 6 ended" in told(fckd("status", "small"))


# Requests


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("stop", "small"), "search, stopping"),
        (("pause", "small"), "search, paused"),
    ],
)
def test_what_was_asked_is_in_the_status(search, words, asked):
    told(fckd(*words))
    assert told(fckd("status", "small")).startswith(f"{CAMPAIGN}: {asked}\n")


def test_a_paused_sweep_can_be_resumed(search, attendance):
    told(fckd("pause", "small"))
    attendance.look()
    assert attendance.may_start == 0
    told(fckd("resume", "small"))
    attendance.look()
    assert attendance.may_start == 2


def test_a_running_sweep_can_be_given_more_groups(search, attendance):
    assert "from 2 to 3 trials at a time" in told(fckd("scale", "small", "--groups", 3))
    attendance.look()
    assert attendance.may_start == 3


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        (["stop"], Wishes(stop=True)),
        (["pause"], Wishes(pause=True)),
        (["resume"], Wishes()),
        (["scale", "--groups", 3], Wishes(3)),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_a_driver_whose_clock_differs_hears_what_is_asked(search, storage, words, heard):
    control = Control(storage, CAMPAIGN)
    control.write(DRIVER, {**control.read()[DRIVER], "seen": time.time() - 180})
    answer = told(fckd(words[0], "small", *words[1:]))
    assert "its driver gave no sign of life for 3 min" in answer
    assert control.wishes() == heard


def test_a_sweep_of_which_no_driver_was_seen_yet_cannot_be_asked_for_anything(storage, place):
    Control.open(storage, CAMPAIGN, {"name": "small"})
    assert "no sign of life yet" in refusal(place, "stop", "small")


@pytest.mark.parametrize("groups", [0, 4])
def test_a_number_of_groups_that_does_not_fit_is_refused(search, groups, place):
    assert "1 to 3" in refusal(place, "scale", "small", "--groups", groups)


@pytest.mark.parametrize("verb", ["status", "stop", "pause", "resume"])
def test_a_sweep_that_does_not_exist_is_refused(verb, attendance, place):
    assert CAMPAIGN in refusal(place, verb, "nobody")


@pytest.mark.parametrize("verb", ["status", "stop"])
def test_a_storage_without_a_ledger_is_refused(verb, place):
    assert "there is no ledger" in refusal(place, verb, "small")


@pytest.mark.parametrize("verb", ["status", "stop"])
def test_a_sweep_without_a_record_is_refused(verb, storage, place):
    assert "no sweep called small has a record" in refusal(place, verb, "small")


def test_a_sweep_that_has_ended_cannot_be_asked_for_anything(attendance, search, place):
    with attendance:
        pass
    assert "has ended: finished" in refusal(place, "stop", "small")


# A ledger that does not answer


@pytest.mark.parametrize("table", ["study_user_attributes", "trials", "studies"])
@pytest.mark.parametrize("words", [["status", "small"], ["status", "small", "--json"]])
def test_a_status_that_the_ledger_does_not_give_is_an_error_in_words(search, place, words, table):
    break_ledger(place / "fckd-storage", table)
    assert "ledger.db does not answer: no such column" in refusal(place, *words)


@pytest.mark.parametrize(
    "words", [["stop"], ["pause"], ["resume"], ["scale", "--groups", 3]], ids=lambda words: words[0]
)
def test_a_request_that_the_ledger_does_not_take_is_an_error_in_words(search, place, words):
    break_ledger(place / "fckd-storage", "study_user_attributes")
    assert "ledger.db does not answer" in refusal(place, words[0], "small", *words[1:])


def test_who_watches_keeps_the_last_picture_until_the_ledger_answers_again(
    search, storage, place, monkeypatch
):
    folder = place / "fckd-storage"

    def end():
        mend_ledger(folder, "trials")
        ended = {"state": "finished", "reason": "", "time": time.time()}
        Control(storage, CAMPAIGN).write(ENDED, ended)

    waits = iter([lambda: break_ledger(folder, "trials"), end])
    clock = SimpleNamespace(time=time.time, sleep=lambda _: next(waits)())
    monkeypatch.setattr("fckd.cli.status.time", clock)
    screen = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=200)
    print_status(screen, "small", folder, as_json=False, watch=True)
    first, _, rest = screen.file.getvalue().partition("does not answer")
    assert first.count("best: ") == 2
    assert "asked again every 5 s" in rest
    assert f"{CAMPAIGN}: finished" in rest


# Size


def test_five_thousand_trials_are_told_of_within_seconds(storage, folder, attendance):
    given = space(search={"points": [POINT]}, budget={"trials": 5000})
    search = Search(given, CAMPAIGN, storage, folder)
    attendance.enter(search, None)
    attendance.sign()
    key = search.ledger.ask().key
    for epoch in range(1, 31):
        search.ledger.report(key, epoch, 0.5)
    search.ledger.tell(key, "finished", 0.5)
    multiply_the_only_trial(storage, 5000)
    before = time.perf_counter()
    assert "5000 finished" in told(fckd("status", "small"))
    assert time.perf_counter() - before < 10


def multiply_the_only_trial(storage, times):
    """Copy its rows in SQL: Optuna would take minutes over thousands of trials."""
    columns = {
        "trial_values": "objective, value, value_type",
        "trial_params": "param_name, param_value, distribution_json",
        "trial_user_attributes": "key, value_json",
        "trial_intermediate_values": "step, intermediate_value, intermediate_value_type",
    }
    numbers = (
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {times - 1})"
    )
    with storage.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete) "
            f"{numbers} SELECT i, study_id, state, datetime_start, datetime_complete FROM trials, n"
        )
        for table, names in columns.items():
            connection.exec_driver_sql(
                f"INSERT INTO {table} (trial_id, {names}) SELECT trials.trial_id, {names} "
                f"FROM trials, {table} WHERE number > 0"
            )
