"""The broker: every task that was submitted ends, whoever dies meanwhile."""

import asyncio

import pytest

from fckd.sweep.broker import INTERRUPTED, Broker
from fckd.train.task import Task


def task(key):
    return Task(key, {}, "train", f"/runs/{key}")


def run(story):
    """Run a coroutine; a story that waits for ever is a broken promise, not a hanging test."""
    return asyncio.run(asyncio.wait_for(story, 60))


async def kinds(broker, key):
    return [message["kind"] for message in await broker.messages(key, 0)]


async def end_of(broker, key):
    (*_, last) = await broker.messages(key, 0)
    assert last["kind"] == "ended"
    return last["state"], last["reason"]


async def waiting(coroutine):
    """Start a coroutine and let it come to the point where it waits."""
    started = asyncio.create_task(coroutine)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not started.done()
    return started


# Handing out


def test_tasks_are_handed_out_in_the_order_of_their_submission():
    async def story():
        broker = Broker(retries=0)
        for key in "abc":
            await broker.submit(task(key))
        return [(await broker.next_task("0", None)).key for _ in "abc"]

    assert run(story()) == ["a", "b", "c"]


def test_a_task_is_not_queued_twice():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        await broker.submit(task("a"))
        await waiting(broker.next_task("1", None))

    run(story())


def test_a_group_that_waits_gets_the_task_that_comes():
    async def story():
        broker = Broker(retries=0)
        waits = await waiting(broker.next_task("0", None))
        await broker.submit(task("a"))
        return (await waits).key

    assert run(story()) == "a"


def test_only_matches_its_own_task():
    async def story():
        broker = Broker(retries=0)
        for key in "ab":
            await broker.submit(task(key))
        own = await broker.next_task("b", "b")
        stranger = await waiting(broker.next_task("c", "c"))
        other = await broker.next_task("0", None)
        return own.key, other.key, stranger.done()

    assert run(story()) == ("b", "a", False)


# Reporting


def test_the_trial_hears_of_start_epochs_and_end_in_order():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        assert await broker.report("a", 1, {"validation/accuracy": 0.5}) == "go on"
        await broker.finish("a", "finished", "", {"metrics": {"validation/accuracy": 0.5}})
        return await broker.messages("a", 0)

    started, epoch, ended = run(story())
    assert started == {"kind": "started", "group": "0", "attempt": 1}
    assert epoch == {"kind": "epoch", "epoch": 1, "metrics": {"validation/accuracy": 0.5}}
    assert ended["state"] == "finished"
    assert ended["outcome"] == {"metrics": {"validation/accuracy": 0.5}}


def test_a_trial_waits_for_messages_that_it_has_not_heard():
    async def story():
        broker = Broker(retries=0)
        await broker.report("a", 1, {})
        waits = await waiting(broker.messages("a", 1))
        await broker.report("a", 2, {})
        return await waits

    (message,) = run(story())
    assert message["epoch"] == 2


def test_stop_is_heard_at_the_next_report_and_by_its_own_trial_only():
    async def story():
        broker = Broker(retries=0)
        before = await broker.report("a", 1, {})
        await broker.stop("a")
        return before, await broker.report("a", 2, {}), await broker.report("b", 2, {})

    assert run(story()) == ("go on", "stop", "go on")


# Interrupting


def test_interrupted_trials_hear_it_at_their_next_report_and_waiting_ones_at_once():
    async def story():
        broker = Broker(retries=0)
        for key in "ab":
            await broker.submit(task(key))
        await broker.next_task("0", None)
        await broker.interrupt()
        assert await end_of(broker, "b") == ("interrupted", "")
        assert await broker.report("a", 1, {}) == "interrupt"
        await broker.finish("a", "interrupted", "", None)
        return await end_of(broker, "a")

    assert run(story()) == ("interrupted", "")


def test_a_trial_that_is_put_off_hears_it_at_its_next_report_and_no_other_does():
    async def story():
        broker = Broker(retries=0)
        for key in "ab":
            await broker.submit(task(key))
            await broker.next_task(key, None)
        await broker.put_off("a")
        return [await broker.report(key, 1, {}) for key in "ab"]

    assert run(story()) == ["interrupt", "go on"]


def test_a_trial_that_was_asked_to_stop_is_not_interrupted():
    async def story():
        broker = Broker(retries=0)
        await broker.stop("a")
        await broker.interrupt()
        return await broker.report("a", 1, {})

    assert run(story()) == "stop"


def test_nothing_begins_after_an_interruption():
    async def story():
        broker = Broker(retries=3)
        await broker.submit(task("a"))
        await broker.join("0")
        await broker.next_task("0", None)
        await broker.interrupt()
        await broker.join("0")
        await broker.submit(task("b"))
        return await end_of(broker, "a"), await end_of(broker, "b")

    assert run(story()) == (("interrupted", ""), ("interrupted", ""))


def test_abandoned_trials_end_at_once_and_only_once():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        await broker.abandon()
        assert await end_of(broker, "a") == ("interrupted", "")
        assert await broker.report("a", 5, {}) == "interrupt"
        await broker.finish("a", "interrupted", "", None)
        return await kinds(broker, "a")

    assert run(story()) == ["started", "ended"]


# Growing and shrinking


def test_a_group_too_many_returns_when_it_has_nothing_to_do():
    async def story():
        broker = Broker(retries=0, places=2)
        for group in "01":
            await broker.join(group)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        idle = await waiting(broker.next_task("1", None))
        await broker.resize(1)
        assert await idle is None
        await broker.finish("a", "finished", "", None)
        await waiting(broker.next_task("0", None))

    run(story())


def test_a_busy_group_too_many_ends_its_trial_first():
    async def story():
        broker = Broker(retries=0, places=2)
        for key, group in ("a0", "b1"):
            await broker.join(group)
            await broker.submit(task(key))
            await broker.next_task(group, None)
        await broker.submit(task("c"))
        await broker.resize(1)
        assert await broker.report("a", 1, {}) == "go on"
        await broker.finish("a", "finished", "", None)
        assert await broker.next_task("0", None) is None
        return (await broker.next_task("1", None)).key

    assert run(story()) == "c"


def test_a_trial_that_takes_a_dead_ones_place_hears_everything_again():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        dead = await waiting(broker.messages("a", 1))
        await broker.submit(task("a"))
        successor = await broker.messages("a", 0)
        last = await waiting(broker.messages("a", len(successor)))
        await broker.finish("a", "finished", "", None)
        assert await dead == await last
        return await kinds(broker, "a")

    assert run(story()) == ["started", "ended"]


# Losing groups


def test_a_lost_group_has_its_task_handed_out_again_at_once():
    async def story():
        broker = Broker(retries=1)
        for key in "ab":
            await broker.submit(task(key))
        await broker.next_task("0", None)
        await broker.join("0")
        again = await broker.next_task("0", None)
        *_, started = await broker.messages("a", 0)
        return again.key, started["attempt"]

    assert run(story()) == ("a", 2)


def test_another_group_takes_over_the_task_of_one_that_ended_for_good():
    async def story():
        broker = Broker(retries=1)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        waits = await waiting(broker.next_task("1", None))
        await broker.leave("0", "its node is gone")
        return (await waits).key

    assert run(story()) == "a"


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_task_is_tried_again_as_often_as_allowed_and_then_failed_with_the_reason(retries):
    async def story():
        broker = Broker(retries)
        await broker.submit(task("a"))
        for _ in range(retries + 1):
            assert (await broker.next_task("0", None)).key == "a"
            await broker.join("0")
        await waiting(broker.next_task("0", None))
        attempts = (await kinds(broker, "a")).count("started")
        return attempts, await end_of(broker, "a")

    times = retries + 1
    reason = f"the workers of this trial died ({times} times)"
    assert run(story()) == (times, ("failed", reason))


def test_a_group_that_had_nothing_loses_nothing_by_joining_again():
    async def story():
        broker = Broker(retries=0)
        await broker.join("0")
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        await broker.finish("a", "finished", "", None)
        await broker.join("0")
        return await end_of(broker, "a")

    assert run(story()) == ("finished", "")


def test_a_worker_that_died_while_it_waited_is_handed_nothing():
    async def story():
        broker = Broker(retries=0)
        dead = await waiting(broker.next_task("0", None))
        await broker.join("0")
        alive = await waiting(broker.next_task("0", None))
        for key in "ab":
            await broker.submit(task(key))
        return await dead, (await alive).key, (await broker.next_task("1", None)).key

    assert run(story()) == (None, "a", "b")


def test_a_task_whose_own_group_never_came_up_goes_on_another_time():
    async def story():
        broker = Broker(retries=2)
        for key in "ab":
            await broker.submit(task(key))
        await broker.leave("a", "no GPU", only="a")
        return await end_of(broker, "a"), (await broker.next_task("0", None)).key

    assert run(story()) == ((INTERRUPTED, "no GPU"), "b")


def test_a_task_whose_own_group_died_and_found_no_room_again_goes_on_another_time():
    async def story():
        broker = Broker(retries=2)
        await broker.submit(task("a"))
        await broker.next_task("a", "a")
        await broker.lose("a", "its node is gone")
        await broker.leave("a", "no room", only="a")
        return await end_of(broker, "a")

    assert run(story()) == (INTERRUPTED, "no room")


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_group_made_for_one_task_that_dies_over_it_is_worth_another_as_often_as_allowed(retries):
    async def story():
        broker = Broker(retries)
        await broker.submit(task("a"))
        worth = []
        while not worth or worth[-1]:
            await broker.join("a")
            await broker.next_task("a", "a")
            worth.append(await broker.lose("a", "its controller died"))
        return worth, await end_of(broker, "a")

    ended = ("failed", f"its controller died ({retries + 1} times)")
    assert run(story()) == ([True] * retries + [False], ended)


def test_a_group_made_for_one_task_that_dies_before_it_took_it_is_not_worth_another():
    async def story():
        broker = Broker(retries=2)
        await broker.submit(task("a"))
        return await broker.lose("a", "no room")

    assert run(story()) is False


def test_groups_are_members_from_when_their_workers_are_there_until_they_end():
    async def story():
        broker = Broker(retries=0)
        before = await broker.members()
        for group in "01":
            await broker.join(group)
        await broker.leave("0", "its node is gone")
        return before, await broker.members()

    assert run(story()) == (set(), {"1"})


def test_a_group_made_for_one_task_leaves_its_end_as_it_was():
    async def story():
        broker = Broker(retries=2)
        await broker.submit(task("a"))
        await broker.next_task("a", "a")
        await broker.finish("a", "finished", "", None)
        await broker.leave("a", "its worker group ended", only="a")
        return await end_of(broker, "a")

    assert run(story()) == ("finished", "")


def test_a_group_made_for_one_task_returns_when_that_has_ended():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.next_task("a", "a")
        await broker.finish("a", "finished", "", None)
        return await broker.next_task("a", "a")

    assert run(story()) is None


# Closing


def test_close_fails_what_waits_with_the_reason():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.close("no worker group is left")
        return await end_of(broker, "a")

    assert run(story()) == ("failed", "no worker group is left")


def test_what_waits_when_no_group_can_be_started_goes_on_another_time():
    async def story():
        broker = Broker(retries=1)
        await broker.submit(task("a"))
        await broker.close("no group starts", INTERRUPTED)
        await broker.submit(task("b"))
        return await end_of(broker, "a"), await end_of(broker, "b")

    assert run(story()) == ((INTERRUPTED, "no group starts"),) * 2


def test_a_group_that_ends_is_known_to_have_taken_a_task_or_not():
    async def story():
        broker = Broker(retries=1)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        return await broker.leave("0", "its node is gone"), await broker.leave("1", "no room")

    assert run(story()) == (True, False)


def test_close_lets_idle_groups_return():
    async def story():
        broker = Broker(retries=0)
        idle = await waiting(broker.next_task("0", None))
        await broker.close()
        return await idle, await broker.next_task("1", None)

    assert run(story()) == (None, None)


def test_close_lets_a_running_task_finish():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        await broker.close()
        await broker.finish("a", "finished", "", None)
        return await end_of(broker, "a")

    assert run(story()) == ("finished", "")


def test_a_task_that_comes_after_close_fails_at_once():
    async def story():
        broker = Broker(retries=0)
        await broker.close("the sweep was closed")
        await broker.submit(task("a"))
        return await end_of(broker, "a")

    assert run(story()) == ("failed", "the sweep was closed")


def test_a_task_that_is_given_back_after_close_fails_for_nobody_will_take_it():
    async def story():
        broker = Broker(retries=5)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        await broker.close("the sweep was closed")
        await broker.leave("0", "its worker group ended")
        return await end_of(broker, "a")

    assert run(story()) == ("failed", "the sweep was closed")


def test_a_task_that_was_put_off_goes_on_when_it_is_submitted_after_that_was_heard():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        await broker.put_off("a")
        verdicts = [await broker.report("a", 1, {})]
        await broker.finish("a", "interrupted", "", None)
        await broker.submit(task("a"))
        before = await kinds(broker, "a")
        await broker.forget("a")
        await broker.submit(task("a"))
        again = await broker.next_task("0", None)
        verdicts.append(await broker.report("a", 2, {}))
        return again, verdicts, before, await kinds(broker, "a")

    again, verdicts, before, after = run(story())
    assert again == task("a")
    assert verdicts == ["interrupt", "go on"]
    assert before == ["started", "epoch", "ended"], "not before it was heard of"
    assert after == ["started", "epoch"]


# Memory


def parts(key, most):
    return Task(key, {"training": {"micro_batch": most}}, "train", f"/runs/{key}")


def test_a_task_that_found_no_memory_comes_back_at_once_in_smaller_parts():
    async def story():
        broker = Broker(retries=0)
        for key in "ab":
            await broker.submit(task(key))
        await broker.next_task("0", None)
        await broker.retry("0", "a", "out of memory", parts("a", 4))
        again = await broker.next_task("0", None)
        return again, await broker.messages("a", 0)

    again, messages = run(story())
    assert again == parts("a", 4)
    assert [message["kind"] for message in messages] == ["started", "started"]
    assert messages[1] == {"kind": "started", "group": "0", "attempt": 2, "micro_batch": 4}


def test_a_task_that_finds_no_memory_twice_fails_with_the_reason():
    async def story():
        broker = Broker(retries=2)
        await broker.submit(task("a"))
        for most in (4, 2):
            await broker.next_task("0", None)
            await broker.retry("0", "a", "out of memory", parts("a", most))
        return await end_of(broker, "a")

    assert run(story()) == ("failed", "out of memory")


def test_a_task_may_be_changed_in_two_ways_and_tells_what_was_changed():
    apart = Task("a", {"training": {"micro_batch": None, "cuda_graph": False}}, "train", "/runs/a")
    both = Task("a", {"training": {"micro_batch": 4, "cuda_graph": False}}, "train", "/runs/a")

    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        for changed in (apart, both):
            await broker.next_task("0", None)
            await broker.retry("0", "a", "refused", changed)
        await broker.next_task("0", None)
        return await broker.messages("a", 0)

    *_, second, third = run(story())
    assert second == {"kind": "started", "group": "0", "attempt": 2, "cuda_graph": False}
    assert third == {**second, "attempt": 3, "micro_batch": 4}


def test_a_task_that_cannot_be_divided_fails():
    async def story():
        broker = Broker(retries=2)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        await broker.retry("0", "a", "out of memory", None)
        return await end_of(broker, "a")

    assert run(story()) == ("failed", "out of memory")


def test_ranks_that_all_find_no_memory_count_once_and_their_restart_is_no_loss():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        for _ in range(2):
            await broker.retry("0", "a", "out of memory", parts("a", 4))
        await broker.join("0")
        return await broker.next_task("0", None), await kinds(broker, "a")

    again, heard = run(story())
    assert again == parts("a", 4)
    assert heard == ["started", "started"]


def test_a_rank_that_finds_no_memory_late_leaves_alone_who_has_taken_the_task_meanwhile():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        await broker.retry("0", "a", "out of memory", parts("a", 4))
        again = await broker.next_task("1", None)
        await broker.retry("0", "a", "out of memory", parts("a", 4))
        await broker.finish("a", "finished", "", None)
        return again, await end_of(broker, "a")

    assert run(story()) == (parts("a", 4), ("finished", ""))


def test_a_group_made_for_one_task_serves_it_again_when_memory_did_not_suffice():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.next_task("a", "a")
        await broker.retry("a", "a", "out of memory", parts("a", 4))
        again = await broker.next_task("a", "a")
        await broker.finish("a", "finished", "", None)
        return again, await broker.next_task("a", "a")

    assert run(story()) == (parts("a", 4), None)


# Forgetting


async def ended_and_forgotten(retries=0):
    broker = Broker(retries)
    await broker.submit(task("a"))
    await broker.next_task("0", None)
    await broker.report("a", 1, {})
    await broker.finish("a", "finished", "", {"metrics": {}})
    await broker.forget("a")
    return broker


def test_who_follows_a_forgotten_trial_in_a_dead_ones_place_hears_of_its_end():
    async def story():
        return await (await ended_and_forgotten()).messages("a", 0)

    assert run(story()) == [{"kind": "ended", "state": "finished", "reason": "", "outcome": None}]


def test_a_forgotten_task_is_not_handed_out_again():
    async def story():
        broker = await ended_and_forgotten(retries=1)
        await broker.submit(task("a"))
        await broker.join("0")
        await waiting(broker.next_task("0", None))

    run(story())


def test_what_has_not_ended_is_not_forgotten():
    async def story():
        broker = Broker(retries=0)
        await broker.submit(task("a"))
        await broker.next_task("0", None)
        await broker.forget("a")
        return await kinds(broker, "a")

    assert run(story()) == ["started"]
