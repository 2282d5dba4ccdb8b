"""The operator itself: its pods, its rights, its silence when nothing happens, its speed."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import aiohttp
import pytest

from builders.specs import a_chain, a_task
from e2e.harness.bodies import HOLD
from e2e.harness.following import Follower
from e2e.harness.installation import NAMESPACE
from e2e.harness.operators import Operators, Sample, samples
from e2e.harness.play import Play
from spectra_operator.config import Config
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.resources import NAMESPACES

OURS = frozenset({"workflows", "phases", "agents", "pods", "events", "controllerrevisions"})
READ_BY_OTHERS = (("GET", "pods"), ("LIST", "pods"))
IDLE_RENEWALS = 3
REFUSED = re.compile(r"\b403\b|\b[Ff]orbidden\b")
"""A refusal in a log line; 403 alone also stands inside the random names of pods."""


async def test_the_operator_runs_without_root_on_a_read_only_file_system(
    operators: Operators,
) -> None:
    for pod in operators.pods():
        spec = pod["spec"]
        (container,) = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not spec.get("hostNetwork")
        assert container["image"] == "docker.io/local/spectra-operator:dev"


@pytest.mark.xdist_group("operator")
@pytest.mark.usefixtures("killing")  # nobody may kill the operator meanwhile
async def test_the_status_page_is_reached_by_forwarding_its_port_and_in_no_other_way(
    operators: Operators,
) -> None:
    leader = operators.leader()
    name = leader["metadata"]["name"]

    ports = Config()

    async with (
        operators.cluster.forwarded(NAMESPACE, name, ports.debug_port) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/debug.json") as answer,
    ):
        page = await answer.json()
    assert page["shards"]["rows"][0]["held"] is True

    for port in (ports.debug_port, ports.health_port):
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}:{port}/proxy/debug"
        assert (await operators.cluster.try_kubectl("get", "--raw", path)).code


@pytest.mark.xdist_group("operator")
@pytest.mark.usefixtures("killing")  # nobody may kill the operator meanwhile
async def test_a_chain_of_thirty_tasks_hops_on_events(
    play: Play, operators: Operators, note: Callable[[str], None]
) -> None:
    names = [f"t{number:02d}" for number in range(30)]
    play.given.agent()
    play.given.workflow(a_chain(*names))
    await play.when.applied()

    await play.then.workflow_ends("Succeeded", within=170)

    play.then.everything_ran_once()
    outside = _hops_seen_outside(play, names)
    assert len(outside) == 29
    inside = await operators.hops()
    assert inside, "/metrics/hops of the leader is empty"
    note(f"hops seen from outside (pod's end to next pod, by our watch): {_quantiles(outside)}")
    note(f"hops told by /metrics/hops of the leader, all tests: {_quantiles(inside)}")


def _hops_seen_outside(play: Play, names: Sequence[str]) -> list[float]:
    trails = [play.then.task(f"work/{name}").trails()[0] for name in names]
    ends = [trail.seen_at[1] for trail in trails[:-1]]
    begins = [trail.seen_at[0] for trail in trails[1:]]
    return [begin - end for end, begin in zip(ends, begins, strict=True) if end is not None]


def _quantiles(seconds: Sequence[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms of {len(seconds)}"


@pytest.mark.alone
async def test_between_events_the_operator_sends_no_request_at_all(
    play: Play, operators: Operators, access: ClusterAccess
) -> None:
    await _other_tests_are_tidied_up(play, access)
    play.given.agent(script=HOLD, concurrency=1)
    play.given.workflow([a_task("held"), a_task("blocked"), a_task("next", depends_on=["held"])])
    await play.when.applied()
    await play.then.until("one runs", lambda: _running(play) or None)
    await _blocked_is_shown(play)
    await operators.renewed(IDLE_RENEWALS)  # what the start left to write is written by now

    inside, outside = await _requests(operators), await _requests_at_the_server(play)
    await operators.renewed(IDLE_RENEWALS)

    assert await _requests(operators) - inside == Counter()
    assert await _requests_at_the_server(play) - outside == Counter()
    await play.when.each_let_go(3)
    await play.then.workflow_ends("Succeeded")


async def _other_tests_are_tidied_up(play: Play, access: ClusterAccess) -> None:
    """Wait until every other test's namespace is gone; so none of them hangs, either."""
    async with Follower(access, None, [NAMESPACES]).running() as world:

        def none_left() -> bool:
            names = {body["metadata"]["name"] for body in world.all("Namespace")}
            return not any(n.startswith("e2e-") for n in names - {play.namespace})

        await world.until("no namespace of another test", none_left, 120.0)


async def _blocked_is_shown(play: Play) -> None:
    def shown() -> bool:
        tasks = [play.then.task(f"work/{name}").status for name in ("held", "blocked")]
        return any(task.get("reason") == "AgentConcurrency" for task in tasks)

    await play.then.until("the blocked task says why", shown)


def _running(play: Play) -> bool:
    return any(trail.phase == "Running" for trail in play.recorder.trails)


async def _requests(operators: Operators) -> Counter[str]:
    """The engine's own count of its requests, over all replicas; watches apart."""
    found = await operators.metrics()
    return _count(s for s in found if s.name == "spectra_api_requests_total")


async def _requests_at_the_server(play: Play) -> Counter[str]:
    """The API server's count of requests for what the operator works with; watches apart."""
    text = await play.cluster.kubectl("get", "--raw", "/metrics")
    ours = (s for s in samples(text) if s.name == "apiserver_request_total" and _is_ours(s))
    return _count(ours)


def _is_ours(sample: Sample) -> bool:
    """Whether a request may be the operator's.

    Kubelets and controllers read pods whenever they like; such reads of the operator are in its
    own count.
    """
    what = sample.labels["verb"], sample.labels["resource"]
    proxied = what[1] == "pods" and sample.labels["subresource"] == "proxy"
    return what[1] in OURS and not proxied and what not in READ_BY_OTHERS


def _count(found: Iterable[Sample]) -> Counter[str]:
    total: Counter[str] = Counter()
    for sample in found:
        verb, resource = sample.labels["verb"], sample.labels["resource"]
        if verb.upper() not in ("WATCH", "CONNECT"):
            total[f"{verb} {resource}"] += int(sample.value)
    return total


@pytest.mark.alone
async def test_the_operator_was_refused_nothing_but_what_tests_provoked(
    operators: Operators,
) -> None:
    provoked = ("exceeded quota", "being terminated")
    refused = [
        line["msg"]
        for line in await operators.logs()
        if REFUSED.search(line["msg"]) and not any(words in line["msg"] for words in provoked)
    ]
    assert not refused, "\n".join(refused)


@pytest.mark.alone
async def test_no_pass_of_the_operator_ever_failed(operators: Operators) -> None:
    found = await operators.metrics()
    failed = [s for s in found if s.name == "spectra_reconcile_errors_total" and s.value]
    assert not failed, failed
    crashes = [line for line in await operators.logs() if line["level"] in ("error", "critical")]
    assert not crashes, crashes
