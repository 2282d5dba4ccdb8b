"""Effects are carried out by priority, only with the Lease, and repeated when that may help."""

from __future__ import annotations

import asyncio

import pytest

from builders.specs import NAMESPACE
from spectra_operator.engine import effects as fx
from spectra_operator.engine.keys import Key
from spectra_operator.kube.errors import (
    Forbidden,
    KubeError,
    ServerError,
    Throttled,
    Unreachable,
)
from spectra_operator.kube.resources import EVENTS
from unit.engine.executor_bench import (
    FLOW,
    PHASE,
    RELEASE,
    Bench,
    a_bench,
    a_create,
    a_kept_pod,
    a_status,
)


async def test_what_a_run_needs_is_done_in_the_order_asked_for(bench: Bench) -> None:
    bench.client.held = asyncio.Event()
    await bench.carry_out(fx.LookUp(FLOW))  # occupies the only worker
    for effect in (RELEASE, a_status(), a_create()):
        bench.executor.submit(effect)
    assert len(bench.executor) == 3
    bench.cache.pod = a_kept_pod()
    bench.client.held.set()
    await bench.clock.settle()
    order = [(verb, what) for verb, what, _ in bench.client.calls[1:]]
    assert order == [("patch", "pods/"), ("replace", "phases/status"), ("create", "pods")]


async def test_what_only_tells_of_a_run_has_workers_of_its_own_and_few(bench: Bench) -> None:
    bench.client.held = asyncio.Event()
    announce = fx.Announce(PHASE, EVENTS, {"metadata": {"name": "e"}})
    await bench.carry_out(*[announce] * 9, fx.MarkFinished(PHASE))
    assert [what for _, what, _ in bench.client.calls] == ["events"] * 4
    assert len(bench.executor) == 6
    assert bench.executor.urgent == 0

    await bench.carry_out(a_create())  # waits for none of them

    assert [what for _, what, _ in bench.client.calls] == ["events"] * 4 + ["pods"]
    bench.client.held.set()
    await bench.clock.settle()
    assert len(bench.client.calls) == 11


async def test_each_effect_that_is_taken_tells_how_many_are_left(bench: Bench) -> None:
    await bench.carry_out(a_create(), a_status(), a_create())
    assert bench.left == [2, 1, 0]
    bench.leads = False
    await bench.carry_out(a_create(), a_create())
    assert bench.left[3:] == [1, 0]  # what is dropped makes room, too


async def test_effects_keep_their_order(bench: Bench) -> None:
    for name in "abc":
        bench.executor.submit(fx.LookUp(Key("Phase", NAMESPACE, name)))
    await bench.clock.settle()
    assert [given for _, _, given in bench.client.calls] == ["a", "b", "c"]


async def test_without_the_lease_nothing_is_sent(bench: Bench) -> None:
    bench.leads = False
    await bench.carry_out(a_create(), a_status())
    assert (bench.client.calls, bench.done) == ([], [])


async def test_a_repetition_asks_for_the_lease_again(bench: Bench) -> None:
    bench.client.answer("create", Unreachable("no answer"))
    await bench.carry_out(a_create())
    bench.leads = False
    await bench.clock.run_for(60)
    assert len(bench.client.calls) == 1


@pytest.mark.parametrize("error", [Unreachable("x"), ServerError("x", status=500)])
async def test_what_may_pass_is_tried_again_with_growing_pauses(
    bench: Bench, error: KubeError
) -> None:
    bench.client.answer("create", *[error] * 5, {"kind": "Pod"})
    await bench.carry_out(a_create())
    times = [0.0]
    while len(bench.client.calls) < 6:
        due = bench.clock.next_deadline()
        assert due is not None
        bench.clock.advance(due - bench.clock.monotonic())
        await bench.clock.settle()
        times.append(round(due, 3))
    assert times == [0.0, 0.1, 0.3, 0.7, 1.5, 3.1]
    assert [(body, error) for _, body, error in bench.done] == [({"kind": "Pod"}, None)]


async def test_a_throttled_call_waits_as_long_as_the_server_asks(bench: Bench) -> None:
    throttled = Throttled("slow down", status=429)
    throttled.retry_after = 9.0
    bench.client.answer("create", throttled, {"kind": "Pod"})
    await bench.carry_out(a_create())
    await bench.clock.run_for(8.9)
    assert len(bench.client.calls) == 1
    await bench.clock.run_for(0.1)
    assert len(bench.client.calls) == 2


async def test_a_throttled_call_lets_fewer_be_under_way(bench: Bench) -> None:
    most = bench.executor.width.now
    bench.client.answer("create", Throttled("busy", status=429), {})
    await bench.carry_out(a_create())
    assert bench.executor.width.now == pytest.approx(max(most / 2, 4))


async def test_a_refusal_for_good_says_nothing_of_how_busy_the_server_is(bench: Bench) -> None:
    most = bench.executor.width.now
    bench.client.answer("create", Forbidden("no"))
    await bench.carry_out(a_create())
    assert bench.executor.width.now == most


async def test_a_status_is_never_repeated_as_it_was_but_made_anew(bench: Bench) -> None:
    bench.client.answer("replace", Unreachable("no answer"))
    await bench.carry_out(a_status())
    assert bench.errors == ["Unreachable"]
    await bench.clock.run_for(60)
    assert len(bench.client.calls) == 1


async def test_an_error_that_stands_is_told_at_once(bench: Bench) -> None:
    bench.client.answer("create", Forbidden("exceeded quota", status=403))
    await bench.carry_out(a_create())
    assert bench.errors == ["Forbidden"]


async def test_an_effect_that_breaks_is_told_and_all_others_go_on(bench: Bench) -> None:
    bench.client.answer("get", ValueError("not a time"), {"kind": "Workflow"})
    await bench.carry_out(fx.LookUp(PHASE), fx.LookUp(FLOW))
    (_, _, error), (_, found, _) = bench.done
    assert (str(error), found) == ("ValueError: not a time", {"kind": "Workflow"})


async def test_no_more_calls_are_under_way_than_allowed() -> None:
    async with a_bench(concurrency=3) as bench:
        bench.client.held = asyncio.Event()
        await bench.carry_out(*[fx.LookUp(PHASE)] * 10)
        assert len(bench.client.calls) == 3
        bench.client.held.set()
        await bench.clock.settle()
        assert len(bench.client.calls) == 10
