"""Deletions in the middle of a run: everything goes, nothing hangs."""

from __future__ import annotations

import re
import shlex

import pytest

from builders.cluster import ROOT
from builders.specs import a_task
from e2e.harness import installation
from e2e.harness.bodies import HOLD
from e2e.harness.following import DeadlinePassed, Follower
from e2e.harness.operators import Operators
from e2e.harness.play import Play
from e2e.harness.removal import held, left_of_the_release
from spectra_operator.api.constants import RESULT_FINALIZER
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.resources import NAMESPACES


async def a_run_in_flight(play: Play) -> None:
    """Two tasks that run, one that is done, one that waits."""
    play.given.agent("holder", HOLD)
    play.given.agent()
    play.given.workflow(
        [
            a_task("held", agent="holder", count=2),
            a_task("quick"),
            a_task("next", depends_on=["held"]),
        ]
    )
    await play.when.applied()
    await play.then.until("both run", lambda: _running(play) == 2 or None)
    await play.then.task("work/quick").shows(state="Succeeded")


async def test_a_workflow_deleted_in_the_middle_takes_its_phases_and_pods_with_it(
    play: Play,
) -> None:
    await a_run_in_flight(play)

    await play.when.deleted("Workflow", "flow")

    await play.then.pods_gone()
    await play.then.until("no phases", lambda: not play.world.all("Phase") or None)
    play.then.task("work/next").ran(0)


async def test_a_namespace_deleted_in_the_middle_is_gone_in_the_end(
    play: Play, access: ClusterAccess
) -> None:
    await a_run_in_flight(play)

    async with Follower(access, None, [NAMESPACES]).running() as namespaces:
        await play.when.namespace_deleted()
        await _gone(namespaces, play.namespace, 90.0)


@pytest.mark.alone
async def test_uninstalling_with_runs_in_flight_lets_every_pod_go_and_leaves_nothing_behind(
    play: Play, operators: Operators, access: ClusterAccess
) -> None:
    await a_run_in_flight(play)
    (uninstall,) = documented("Uninstall with Helm")
    try:
        await _shell(play, uninstall)

        pods = play.world.all("Pod")
        assert pods
        await play.then.until("no pod is held", lambda: not held(play) or None)
        assert await left_of_the_release(play.cluster) == []
        crds = await play.cluster.kubectl("get", "crd", "-o", "name")
        assert "workflows.spectra.dev" in crds, "uninstalling must keep what users made"
        async with Follower(access, None, [NAMESPACES]).running() as namespaces:
            await play.when.namespace_deleted()
            await _gone(namespaces, play.namespace, 60.0)
    finally:
        installation.install(play.cluster)


@pytest.mark.alone
async def test_installed_from_plain_manifests_it_runs_and_goes_in_the_documented_order(
    play: Play, operators: Operators, access: ClusterAccess
) -> None:
    for command in documented("Uninstall with Helm"):
        await _shell(play, command)
    try:
        await _shell(play, documented_install())
        await _shell(play, "kubectl rollout status -n spectra-system deployment/spectra-operator")
        await a_run_in_flight(play)
        scale, wait_for_end, *release, uninstall = documented("Uninstall without Helm")
        await _shell(play, scale)
        await _shell(play, wait_for_end)
        async with Follower(access, None, [NAMESPACES]).running() as namespaces:
            await play.when.namespace_deleted()
            await play.then.until("only our finalizer holds the pods", lambda: _only_held(play))
            assert namespaces.get("Namespace", play.namespace) is not None
            for command in release:
                await _shell(play, command)
            await _gone(namespaces, play.namespace, 60.0)
        await _shell(play, uninstall)

        assert await left_of_the_release(play.cluster) == []
    finally:
        installation.install(play.cluster)


def documented(heading: str) -> list[str]:
    """The commands of the first console block under a heading of docs/install.md."""
    text = (ROOT / "docs" / "install.md").read_text()
    block = re.search(
        rf"^#+ {re.escape(heading)}$.*?```console\n(.*?)```", text, re.MULTILINE | re.DOTALL
    )
    assert block, f"docs/install.md has no console block under {heading}"
    return [line.removeprefix("$ ") for line in block[1].splitlines() if line.startswith("$ ")]


def documented_install() -> str:
    """The documented command that applies everything in one file."""
    command, *_ = documented("Without Helm")
    return command.partition("#")[0]


async def _shell(play: Play, command: str) -> None:
    """Run one documented command as it stands, on the cluster of the tests."""
    program, *arguments = shlex.split(command)
    if program == "kubectl":
        await play.cluster.kubectl(*arguments)
    else:
        play.cluster.run(program, *arguments)


def _running(play: Play) -> int:
    held = play.then.task("work/held")
    return sum(t.phase == "Running" for t in [*held.trails(0), *held.trails(1)])


def _only_held(play: Play) -> bool:
    """Whether pods are left, all of them ended, and nothing but our finalizer keeps them."""
    pods = play.world.all("Pod")
    return bool(pods) and all(
        pod["metadata"].get("finalizers") == [RESULT_FINALIZER]
        and "deletionTimestamp" in pod["metadata"]
        and pod["status"]["phase"] in ("Succeeded", "Failed")
        for pod in pods
    )


async def _gone(namespaces: Follower, name: str, seconds: float) -> None:
    try:
        await namespaces.until(
            f"namespace {name} is gone",
            lambda: namespaces.get("Namespace", name) is None or None,
            seconds,
        )
    except DeadlinePassed as error:
        left = (namespaces.get("Namespace", name) or {}).get("status")
        raise DeadlinePassed(f"{error}; its status: {left}") from None
