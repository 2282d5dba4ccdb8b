"""Where a worker calls, over which connections, and with which token."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from component.agent.conftest import KINDS, Counter, Start
from component.agent.scripted_operator import Fault, Operator, a_claim, operating
from spectra_agent.pool.line import CallError, Line, Place, Token


def moved_to(other: Operator) -> Fault:
    return Fault(421, f'{{"address": "{other.url}"}}'.encode())


def test_a_worker_goes_where_it_is_sent_and_stays_there(operator: Operator, start: Start) -> None:
    with operating() as holder:
        for kind in KINDS:
            operator.fault(kind, *[moved_to(holder)] * 50)
        holder.give(a_claim("a"), a_claim("b"))
        start(Counter())
        holder.wait_results("a", "b")
        holder.wait_calls("heartbeat", 5)
        assert len(operator.calls) <= 3


def test_a_worker_comes_home_when_the_address_it_was_sent_to_is_dead(
    operator: Operator, start: Start
) -> None:
    with operating() as holder:
        operator.fault("heartbeat", moved_to(holder))
        operator.fault("claims", *[moved_to(holder)] * 2)
        start(Counter())
        holder.wait_calls("heartbeat", 2)
        holder.wait_calls("claims", 1)
    operator.give(a_claim("a"))
    operator.wait_results("a")


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_stranger_at_the_address_of_a_former_operator_is_not_believed(
    operator: Operator, start: Start, status: int
) -> None:
    handler = Counter()
    with operating() as stranger:
        operator.give(a_claim("a"))
        operator.fault("result", moved_to(stranger))
        for kind in KINDS:
            stranger.fault(kind, *[Fault(status)] * 1000)
        start(handler)
        operator.wait_results("a")
    assert handler.ran == ["key-a"]


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_stranger_is_not_believed_though_another_thread_has_gone_home_meanwhile(
    operator: Operator, token: Path, status: int
) -> None:
    with operating() as stranger, ThreadPoolExecutor(1) as thread:
        operator.fault("result", moved_to(stranger))
        stranger.hold("result")
        stranger.fault("result", Fault(status))
        place = Place(operator.url)
        line = Line(place, Token(str(token)), "instance")
        answer = thread.submit(line.call, "/v1/claims/a/result", {"result": {}})
        stranger.wait_calls("result", 1)
        place.leave(("127.0.0.1", stranger.port))
        stranger.let_go("result")
        error = answer.exception()
        line.done()
    assert isinstance(error, CallError)
    assert str(error).startswith(f"the operator answered {status}")


def test_an_open_poll_is_made_anew_where_the_operator_has_gone(
    operator: Operator, start: Start
) -> None:
    start(Counter())
    operator.wait_calls("claims", 1)
    with operating() as holder:
        operator.fault("heartbeat", moved_to(holder))
        holder.wait_calls("claims", 1)
        holder.give(a_claim("a"))
        holder.wait_results("a")


def test_an_open_poll_stays_when_a_heartbeat_comes_after_it_to_where_the_operator_is(
    operator: Operator, start: Start, log: io.StringIO
) -> None:
    with operating() as holder:
        operator.hold("heartbeat")
        operator.fault("claims", moved_to(holder))
        operator.fault("heartbeat", moved_to(holder))
        start(Counter())
        holder.wait_calls("claims", 1)
        operator.wait_calls("heartbeat", 1)
        operator.let_go("heartbeat")
        holder.wait_calls("heartbeat", 3)
        assert len(holder.of("claims")) == 1
        assert "asking for claims" not in log.getvalue()


def test_a_poll_that_is_made_anew_elsewhere_is_no_failure(
    operator: Operator, start: Start, log: io.StringIO
) -> None:
    start(Counter())
    operator.wait_calls("claims", 1)
    with operating() as holder:
        operator.fault("heartbeat", moved_to(holder))
        holder.wait_calls("claims", 1)
        assert "asking for claims" not in log.getvalue()


def test_replicas_that_send_us_to_each_other_are_asked_with_pauses(
    operator: Operator, start: Start
) -> None:
    with operating() as other:
        operator.fault("claims", *[moved_to(other)] * 6)
        other.fault("claims", *[moved_to(operator)] * 6)
        operator.give(a_claim("a"))
        start(Counter())
        operator.wait_results("a")


def test_connections_are_kept(operator: Operator, start: Start) -> None:
    names = [f"c{number}" for number in range(10)]
    operator.give(*(a_claim(name) for name in names))
    start(Counter())
    operator.wait_results(*names)
    operator.wait_calls("heartbeat", 5)
    for kind in ("result", "heartbeat"):
        assert len({call.peer for call in operator.of(kind)}) == 1


def test_every_call_carries_the_token_and_one_instance(operator: Operator, start: Start) -> None:
    operator.give(a_claim("a"))
    worker = start(Counter())
    other = start(Counter())
    operator.wait_results("a")
    operator.wait_calls("heartbeat", 4)
    assert {call.headers["Spectra-Instance"] for call in operator.calls} == {
        worker.instance,
        other.instance,
    }
    assert {call.headers["Authorization"] for call in operator.calls} == {"Bearer token-1"}
    assert len(worker.instance) == 32


def replaced(token: Path) -> None:
    """As the kubelet does it: a new file in the place of the old one."""
    new = token.with_suffix(".new")
    new.write_text("token-2")
    new.replace(token)


def rewritten(token: Path) -> None:
    """Content that no time stamp tells of."""
    stat = token.stat()
    token.write_text("token-2\n")
    os.utime(token, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("change", [replaced, rewritten])
def test_a_new_token_is_used_at_once_and_at_the_latest_after_401(
    operator: Operator, start: Start, token: Path, change: Callable[[Path], None]
) -> None:
    start(Counter())
    operator.wait_calls("heartbeat", 2)
    change(token)
    operator.fault("heartbeat", Fault(401), Fault(401))
    operator.wait(
        lambda: operator.calls[-1].headers["Authorization"] == "Bearer token-2", "the new token"
    )


@pytest.mark.parametrize("text", ["", "two\nlines", "spaces in it", "grün"])
def test_a_file_without_a_token_is_waited_for(
    operator: Operator, start: Start, token: Path, text: str
) -> None:
    token.write_text(text)
    operator.give(a_claim("a"))
    start(Counter())
    replaced(token)
    operator.wait_results("a")
    assert {call.headers["Authorization"] for call in operator.calls} == {"Bearer token-2"}


def test_an_operator_that_does_not_answer_in_time_counts_as_away(
    operator: Operator, token: Path
) -> None:
    operator.hold("heartbeat")
    line = Line(Place(operator.url), Token(str(token)), "instance")
    with pytest.raises(CallError, match="no answer from") as failed:
        line.call("/v1/heartbeat", {"claims": []}, 0.01)
    assert failed.value.unreachable
    operator.let_go("heartbeat")
    assert line.call("/v1/heartbeat", {"claims": []}).status == 200
    line.done()


def test_a_closed_line_makes_no_call(operator: Operator, token: Path) -> None:
    line = Line(Place(operator.url), Token(str(token)), "instance")
    line.close()
    with pytest.raises(CallError, match="this worker is ending"):
        line.call("/v1/heartbeat", {"claims": []})
    assert operator.calls == []


def test_a_worker_that_is_not_known_yet_is_asked_to_wait(operator: Operator, start: Start) -> None:
    handler = Counter()
    for kind in KINDS:
        operator.fault(kind, *[Fault(403)] * 3)
    operator.give(a_claim("a"))
    start(handler)
    operator.wait_results("a")
    assert handler.ran == ["key-a"]
