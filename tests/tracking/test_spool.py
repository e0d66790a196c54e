import json

from pydantic import SecretStr

from fckd.events import SweepStarted
from fckd.tracking.spool import EVENTS_FILE, REFUSED_FILE, SHIPPED_FILE, Spool
from tests.tracking.stories import end, epoch, opening, start


def oldest(spool):
    (entry,) = spool.waiting(1)
    return entry


def drain(spool):
    events = []
    while entries := spool.waiting(2):
        events += [entry.event() for entry in entries]
        spool.mark_shipped(entries[-1])
    return events


def test_events_come_back_in_order_and_once(tmp_path):
    story = [opening(), start(0), epoch(0, 1)]
    spool = Spool(tmp_path)
    for event in story:
        spool.append(event)
    assert spool.pending() == 3
    assert drain(spool) == story
    assert drain(Spool(tmp_path)) == []


def test_a_reopened_spool_goes_on_behind_what_was_shipped(tmp_path):
    spool = Spool(tmp_path)
    spool.append(opening())
    spool.mark_shipped(oldest(spool))
    spool.append(start(0))
    reopened = Spool(tmp_path)
    reopened.append(epoch(0, 1))
    assert drain(reopened) == [start(0), epoch(0, 1)]


def test_a_torn_last_line_is_dropped(tmp_path):
    Spool(tmp_path).append(opening())
    with (tmp_path / EVENTS_FILE).open("ab") as stream:
        stream.write(b'{"event": "TrialSta')
    reopened = Spool(tmp_path)
    reopened.append(start(0))
    assert drain(reopened) == [opening(), start(0)]


def test_a_lost_events_file_does_not_stop_a_new_start(tmp_path):
    spool = Spool(tmp_path)
    spool.append(opening())
    spool.mark_shipped(oldest(spool))
    (tmp_path / EVENTS_FILE).unlink()
    fresh = Spool(tmp_path)
    fresh.append(start(0))
    fresh.append(epoch(0, 1))
    assert drain(Spool(tmp_path)) == [start(0), epoch(0, 1)]


def test_another_receiver_is_told_everything_from_the_beginning(tmp_path):
    spool = Spool(tmp_path, "here")
    for event in (opening(), start(0)):
        spool.append(event)
    drain(spool)
    assert drain(Spool(tmp_path, "here")) == []
    assert drain(Spool(tmp_path, "there")) == [opening(), start(0)]
    assert drain(Spool(tmp_path, "there")) == []


def test_a_position_of_an_earlier_version_counts_for_whoever_asks(tmp_path):
    spool = Spool(tmp_path)
    spool.append(opening())
    (tmp_path / SHIPPED_FILE).write_text(json.dumps({"bytes": oldest(spool).end}))
    assert drain(Spool(tmp_path, "here")) == []


def test_an_event_set_aside_is_kept_with_the_reason(tmp_path):
    spool = Spool(tmp_path)
    spool.append(start(0))
    spool.set_aside(oldest(spool), "too long")
    record = json.loads((tmp_path / REFUSED_FILE).read_text())
    assert record["reason"] == "too long"
    assert json.loads(record["line"])["trial_key"] == start(0).trial_key
    assert spool.pending() == 0


def test_the_last_shipped_opening_is_remembered(tmp_path):
    spool = Spool(tmp_path)
    assert spool.opening() is None
    for event in (opening(), start(0), opening(again=1)):
        spool.append(event)
    spool.mark_shipped(oldest(spool))
    assert Spool(tmp_path).opening() == opening()


def test_no_secret_reaches_the_disk(tmp_path):
    canary = "canary-7f3a"
    Spool(tmp_path).append(
        SweepStarted(
            "demo",
            {"command": f"fckd sweep --tracking postgresql://me:{canary}@host/db"},
            {
                "mlflow_password": canary,
                "ray.token": canary,
                "key": SecretStr(canary),
                "storage": {"aws_secret_access_key": canary},
            },
        )
    )
    spool = Spool(tmp_path)
    spool.append(end(0, "failed", reason=f"no answer from http://me:{canary}@host"))
    assert canary not in (tmp_path / EVENTS_FILE).read_text()


def test_names_that_only_sound_secret_stay_readable(tmp_path):
    spool = Spool(tmp_path)
    spool.append(SweepStarted("demo", {}, {"tokens": "12", "keypoints": "joints"}))
    assert oldest(spool).event().parameters == {"tokens": "12", "keypoints": "joints"}
