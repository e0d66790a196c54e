import io

import pytest
from rich.console import Console

from fckd.cli.board import Board, SweepSummary, duration, short_value
from fckd.cli.display import ROWS, STAGES, Display, leaderboard_table, print_leaderboard
from fckd.config.corpus import CorpusSettings
from fckd.events import EpochReported, Progress, SweepEnded, SweepStarted, TrialEnded, TrialStarted
from tests.tracking.boards import leaderboard

WEIGHT = "objective.correlation.weight"
RATIO = "focal.ratio"


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def console(*, terminal, width=100, height=30):
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=width, height=height,
        color_system=None, _environ={"TERM": "xterm"},
    )  # fmt: skip


def summary(trials=10):
    return SweepSummary("demo", trials, (WEIGHT, RATIO))


def start(number, **parameters):
    values = {WEIGHT: 0.12345, RATIO: 0.5, "training.epochs": 12} | parameters
    return TrialStarted(f"t{number}", f"trial {number}", "search", values)


def whole(number, accuracy, state="finished", reason=""):
    metrics = {"validation/accuracy": accuracy}
    return [
        start(number),
        *([EpochReported(f"t{number}", 3, metrics)] if state != "failed" else []),
        TrialEnded(f"t{number}", state, {} if state == "failed" else metrics, reason),
    ]


def picture(events, clock, **size):
    """Return what a terminal shows after `events`."""
    display = Display(console(terminal=True, **size), summary(), clock)
    for event in events:
        display.board.note(event)
    screen = console(terminal=True, **size)
    screen.print(display)
    return screen.file.getvalue()


def plain(events, clock):
    """Return what a log file shows after `events`."""
    out = console(terminal=False)
    with Display(out, summary(), clock) as display:
        for event in events:
            display(event)
    return out.file.getvalue()


def test_a_terminal_shows_state_epoch_accuracy_and_parameters(clock):
    shown = picture([start(0), EpochReported("t0", 3, {"validation/accuracy": 0.4567})], clock)
    assert all(part in shown for part in ("trial 0", "running", "3/12", "45.7 %", "0.123", "0.5"))


def test_the_best_finished_trial_is_marked(clock):
    shown = picture([*whole(0, 0.6), *whole(1, 0.8), *whole(2, 0.9, "pruned")], clock)
    assert "★ 80.0 %" in shown
    assert "best: trial 1, 80.0 %" in shown
    assert shown.count("★") == 1


def test_a_term_that_is_off_says_so(clock):
    assert "off" in picture([start(0, **{WEIGHT: 0.0})], clock)


def test_a_hundred_trials_and_many_stages_stay_on_one_screen(clock):
    events = [Progress(f"lessons {index}", 1, 2) for index in range(20)]
    events += [Progress(f"teach {index}", 2, 2) for index in range(20)]
    events += [event for number in range(100) for event in whole(number, number / 100)]
    events.append(start(100))
    lines = picture(events, clock, height=24).splitlines()
    assert len(lines) <= 24
    assert sum("trial " in line and "best" not in line for line in lines) <= ROWS + 1
    assert sum("lessons" in line for line in lines) == STAGES
    (running,) = [line for line in lines if "▸" in line]
    assert running.startswith("trial 100")


def test_a_narrow_terminal_leaves_parameters_out_rather_than_breaking_lines(clock):
    shown = picture(whole(0, 0.5), clock, width=60)
    assert "ratio" not in shown
    assert "50.0 %" in shown


def test_the_time_left_follows_the_trials_that_ended(clock):
    board = Board(summary(trials=4), clock)
    board.note(start(0))
    clock.now = 30.0
    assert board.left() is None
    board.note(TrialEnded("t0", "finished", {"validation/accuracy": 0.5}))
    assert board.left() == 90.0
    assert "about 2 min left" in board.times()
    board.note(SweepEnded("demo", "finished"))
    assert board.left() is None


def test_a_retry_keeps_its_row(clock):
    board = Board(summary(), clock)
    for event in (*whole(0, 0.5, "failed", "lost"), start(0)):
        board.note(event)
    assert [row.state for row in board.trials.values()] == ["running"]
    assert "1 running, 0 finished, 0 pruned, 0 failed" in board.counts()


def test_without_a_terminal_there_is_a_line_for_each_end_and_no_control_code(clock):
    events = [
        *(Progress("prepare", done, 50) for done in range(51)),
        SweepStarted("demo"),
        *whole(0, 0.6),
        *whole(1, 0.0, "failed", "a worker died"),
        SweepEnded("demo", "finished"),
    ]
    text = plain(events, clock)
    assert "\x1b" not in text
    assert text.splitlines() == [
        "prepare: 0 of 50",
        "prepare: 50 done",
        "[1/10] trial 0: finished  validation 60.0 %  correlation weight=0.123  ratio=0.5  (best)",
        "[2/10] trial 1: failed  correlation weight=0.123  ratio=0.5  a worker died",
        "sweep demo: finished after 0 s",
    ]


def test_without_a_terminal_a_stage_that_takes_long_has_a_line_a_minute(clock):
    out = console(terminal=False)
    with Display(out, summary(), clock) as display:
        for done in range(61):
            display(Progress("teach skeleton", done, 60))
            clock.now += 25
    assert out.file.getvalue().splitlines() == [
        "teach skeleton: 0 of 60",
        *(f"teach skeleton: {done} of 60" for done in range(3, 60, 3)),
        "teach skeleton: 60 done",
    ]


def test_markup_in_a_reason_is_shown_as_it_is(clock):
    assert "lost [/red] node" in plain(whole(0, 0.1, "failed", "lost [/red] node"), clock)


def test_a_confirmation_shows_its_test_accuracy_and_is_never_the_best_of_the_search(clock):
    events = [
        *whole(0, 0.6),
        TrialStarted("c", "fckd 1000", "confirmation", {}),
        TrialEnded("c", "finished", {"test/accuracy": 0.99}),
    ]
    shown = picture(events, clock)
    assert "test 99.0 %" in shown
    assert "best: trial 0" in shown


def test_the_live_picture_is_drawn_and_ends_with_the_block(clock):
    out = console(terminal=True)
    with Display(out, summary(), clock) as display:
        for event in whole(0, 0.5):
            display(event)
    assert "50.0 %" in out.file.getvalue()
    assert out.file.getvalue().endswith("\x1b[?25h")  # the cursor is back


def test_the_leaderboard_names_source_split_count_and_intervals():
    out = console(terminal=False)
    out.print(leaderboard_table(leaderboard()))
    text = out.file.getvalue()
    assert "synthetic: accuracy on test (96 samples)" in text
    (line,) = [line for line in text.splitlines() if line.strip().startswith("fckd  ")]
    assert line.split() == ["fckd", "78.0", "%", "75.0", "to", "81.0", "+8.0", "(+4.0", "to",
                            "+12.0)", "3"]  # fmt: skip


def test_a_comparison_says_what_its_arms_are_held_against():
    board = leaderboard()
    for arm in board["arms"]:
        if arm.get("difference"):
            arm["difference"]["against"] = "FCKD"
    out = console(terminal=False)
    out.print(leaderboard_table(board))
    assert "against FCKD" in out.file.getvalue()
    assert "against the student alone" not in out.file.getvalue()


def test_values_and_durations_are_short():
    assert [short_value("a.weight", 0.0), short_value("a.weight", None)] == ["off", "–"]
    assert [duration(5), duration(200), duration(4800)] == ["5 s", "3 min", "1 h 20 min"]


def test_the_leaderboard_of_several_protocols_shows_each():
    board = leaderboard() | {"protocols": {name: {"test": 48} for name in ("split-1", "split-2")}}
    for arm in board["arms"]:
        arm["by_protocol"] = {"split-1": {"mean": 0.25}, "split-2": {"mean": 0.5}}
    out = console(terminal=False)
    print_leaderboard(out, board)
    text = out.file.getvalue()
    assert "accuracy on test, mean of split-1, split-2 (48 + 48 samples)" in text
    lines = [line.split() for line in text.splitlines() if line.strip().startswith("fckd  ")]
    assert lines[1] == ["fckd", "25.0", "%", "50.0", "%"]


UTD = CorpusSettings(source="utd-mhad", validation_subjects=(7,))
FEW_LEARN = CorpusSettings(source="utd-mhad", training_subjects=(1, 3, 7), validation_subjects=(7,))


def counted(settings, train, validation, test, terminal=False):
    """Return what is shown of a sweep that starts with so many samples."""
    out = console(terminal=terminal)
    counts = {"samples train": train, "samples validation": validation, "samples test": test}
    with Display(out, SweepSummary("demo", corpus=settings)) as display:
        display(SweepStarted("demo", {}, counts))
    return out.file.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_a_benchmark_that_is_partly_missing_is_told_when_a_sweep_starts(terminal):
    line = "utd-mhad, cross-subject: 30 fewer in test than published (431 / 430)"
    assert counted(UTD, 377, 54, 400, terminal).count(line) == 1
    assert line in counted(FEW_LEARN, 100, 54, 400, terminal)


def test_a_benchmark_as_published_needs_no_line():
    assert counted(UTD, 377, 54, 430) == ""
    assert counted(FEW_LEARN, 100, 54, 430) == ""
    assert counted(CorpusSettings(source="synthetic", validation_share=0.2), 9, 3, 9) == ""
