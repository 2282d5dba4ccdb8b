"""An operator of one namespace, with rights in no other."""

from __future__ import annotations

import pytest
import pytest_asyncio

from builders.cluster import ROOT
from builders.specs import a_task
from e2e.harness import installation
from e2e.harness.bodies import Body
from e2e.harness.operators import Operators
from e2e.harness.play import Play
from spectra_operator.engine.keys import WORKFLOWS
from spectra_operator.kube.errors import NotFound

CHART = str(ROOT / "helm" / "spectra-operator")
PLACE = ("--namespace", installation.NAMESPACE)
ELSEWHERE = "default"


@pytest_asyncio.fixture
async def only_here(play: Play, operators: Operators) -> Play:
    """The scenario, whose namespace is the only one that the operator serves."""
    values = f"--set=watchNamespaces={{{play.namespace}}}"
    play.cluster.run("helm", "uninstall", installation.RELEASE, *PLACE, "--wait")
    options = (*PLACE, "--wait", "--timeout", "2m", values)
    play.cluster.run("helm", "install", installation.RELEASE, CHART, *options)
    return play


@pytest.mark.alone
async def test_an_operator_of_one_namespace_runs_it_and_leaves_others_alone(
    only_here: Play,
) -> None:
    play = only_here
    try:
        play.given.agent()
        play.given.workflow([a_task("a"), a_task("b", depends_on=["a"])])
        await _apply_elsewhere(play)
        await play.when.applied()

        await play.then.workflow_ends("Succeeded")
        play.then.everything_ran_once(a=1, b=1)
        stranger = await play.client.get(WORKFLOWS, ELSEWHERE, "stranger")
        assert "status" not in stranger
        account = f"system:serviceaccount:{installation.NAMESPACE}:spectra-operator"
        asked = ("auth", "can-i", "create", "pods", f"--as={account}", "-n")
        assert (await play.cluster.try_kubectl(*asked, ELSEWHERE)).out.strip() == "no"
        assert (await play.cluster.try_kubectl(*asked, play.namespace)).out.strip() == "yes"
        play.cluster.run("helm", "test", installation.RELEASE, *PLACE)
        play.cluster.run("helm", "uninstall", installation.RELEASE, *PLACE, "--wait")
    finally:
        await _remove_elsewhere(play)
        installation.install(play.cluster)


async def _apply_elsewhere(play: Play) -> None:
    """Make a workflow that nobody serves."""
    body: Body = dict(play.workflows["flow"])
    body["metadata"] = {"name": "stranger"}
    await play.client.create(WORKFLOWS, ELSEWHERE, body)


async def _remove_elsewhere(play: Play) -> None:
    try:
        await play.client.delete(WORKFLOWS, ELSEWHERE, "stranger")
    except NotFound:
        return
