"""Who lets what in: the API server's rules and policies, the webhook, and the reconcile pass."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from builders.cluster import Answer
from builders.corpus import Bad, committed, hostile
from builders.specs import a_step, a_task
from e2e.harness import bodies
from e2e.harness.bodies import HOLD
from e2e.harness.installation import REPLICAS
from e2e.harness.operators import Operators
from e2e.harness.play import Play
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import PHASES, WORKFLOWS
from spectra_operator.kube.errors import Invalid, KubeError
from spectra_operator.kube.resources import SECRETS, VALIDATING_WEBHOOKS

Body = dict[str, Any]

OPERATOR = "spectra-operator"
SYSTEM = "spectra-system"
AT_ONCE = 4
ALONE_WITH_OPERATOR = pytest.mark.xdist_group("operator")
"""Restarts are counted, so nobody may kill the operator meanwhile."""
CYCLE = [a_task("a", depends_on=["b"]), a_task("b", depends_on=["a"])]


def an_action(name: str, actor: str) -> str:
    spec = {"target": {"name": "flow"}, "type": "Cancel", "reason": "a test", "actor": actor}
    api_version = "spectra.dev/v1alpha1"
    body = {"apiVersion": api_version, "kind": "Action", "metadata": {"name": name}, "spec": spec}
    return json.dumps(body)


async def _may_do_all(play: Play, user: str) -> None:
    role = ("--clusterrole=cluster-admin", f"--user={user}")
    await play.kubectl("create", "rolebinding", user.replace(":", "-"), *role)


async def _applied_as(play: Play, user: str, body: str) -> Answer:
    command = ("-n", play.namespace, "--as", user, "create", "-f", "-")
    return await play.cluster.try_kubectl(*command, stdin=body)


@pytest.mark.parametrize("user", ["grace", "system:serviceaccount:tools:robot"])
async def test_an_action_bears_the_name_of_who_asks_or_is_refused(play: Play, user: str) -> None:
    await _may_do_all(play, user)

    forged = await _applied_as(play, user, an_action("forged", "kubernetes-admin"))
    honest = await _applied_as(play, user, an_action("honest", user))

    assert forged.code != 0
    says = f"spec.actor: is kubernetes-admin, but you are {user}; write your own user name"
    assert says in forged.err
    assert honest.code == 0, honest.err


async def test_the_actor_of_an_action_stays_as_it_was_proven(play: Play) -> None:
    await play.kubectl("create", "-f", "-", stdin=an_action("mine", "kubernetes-admin"))

    patch = json.dumps({"spec": {"actor": "somebody-else"}})
    command = ("-n", play.namespace, "patch", "action", "mine", "--type=merge", "-p", patch)
    answer = await play.cluster.try_kubectl(*command)

    assert "an Action cannot be changed; create another" in answer.err


async def test_the_webhook_says_at_once_what_can_never_work(play: Play) -> None:
    play.given.object(bodies.one_phase("bad", CYCLE))

    with pytest.raises(KubeError) as refusal:
        await play.when.applied()

    said = refusal.value.message
    assert 'admission webhook "workflows.spectra.dev" denied the request: ' in said
    assert "spec.phases[work].tasks[a].dependsOn: the tasks wait for each other" in said
    assert "remove one dependency" in said


@pytest.mark.without_webhook
async def test_where_no_webhook_is_asked_the_reconcile_pass_says_the_same(play: Play) -> None:
    play.given.object(bodies.one_phase("bad", CYCLE))
    await play.when.applied()

    status = await play.then.workflow_ends("Rejected", reason="DependencyCycle")

    assert "spec.phases[work].tasks[a].dependsOn: the tasks wait" in status["message"]


async def test_the_parameters_of_a_phase_cannot_be_changed_but_its_levels_can(play: Play) -> None:
    body = bodies.workflow("x", [a_step("work", [a_task()])])
    tasks = body["spec"]["phases"][0]["tasks"]
    spec = {"tasks": tasks, "parameters": {"n": 1}, "suspend": True}
    play.given.agent()
    play.given.object(body | {"kind": "Phase", "metadata": {"name": "alone"}, "spec": spec})
    await play.when.applied()

    with pytest.raises(Invalid, match=r"spec\.parameters: cannot be changed once applied"):
        await play.when.patched("Phase", "alone", parameters={"n": 2})
    with pytest.raises(Invalid, match="tasks: cannot be changed"):
        await play.when.patched("Phase", "alone", tasks=[a_task("other")])
    await play.when.patched("Phase", "alone", suspend=False, parallelism=3)


@pytest.mark.parametrize(
    "changed",
    [
        {"failurePolicy": "Continue"},
        {"onFailureRunning": "Cancel"},
        {"selectionPolicy": "Cost"},
        {"workspace": {"size": "1Gi"}},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_small_fields_of_a_workflow_cannot_be_changed_beside_a_level(
    play: Play, changed: Body
) -> None:
    play.given.agent()
    play.given.workflow([a_task()], suspend=True)
    await play.when.applied()

    field = next(iter(changed))
    with pytest.raises(Invalid, match=rf"spec\.{field}: cannot be changed once applied; delete"):
        await play.when.patched("Workflow", "flow", priority=5, **changed)


async def test_who_writes_a_generation_by_hand_cannot_change_what_is_fixed(play: Play) -> None:
    """The policies look at what changes the generation, which the API server alone counts."""
    play.given.agent()
    play.given.workflow([a_task()], suspend=True)
    await play.when.applied()
    body = await play.client.get(WORKFLOWS, play.namespace, "flow")
    forged = body["metadata"]["generation"] + 1

    for generation in (forged, forged - 1, 0, None):
        patch = {"metadata": {"generation": generation}, "spec": {"failurePolicy": "Continue"}}
        with pytest.raises(Invalid, match="failurePolicy: cannot be changed once applied"):
            await play.client.patch(WORKFLOWS, play.namespace, "flow", patch)
    labels = {"metadata": {"labels": {"team": "a"}}}
    labelled = await play.client.patch(WORKFLOWS, play.namespace, "flow", labels)
    assert labelled["metadata"]["generation"] == body["metadata"]["generation"]


async def test_nobody_calls_finished_what_has_not_ended(play: Play) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("held")])
    await play.when.applied()
    await play.then.task("work/held").pod_in("Running")
    finished = {"metadata": {"labels": {c.LABEL_FINISHED: "true"}}}
    phases = await play.client.list(PHASES, play.namespace)

    for resource, name in (
        (WORKFLOWS, play.only_workflow()),
        (PHASES, phases.items[0]["metadata"]["name"]),
    ):
        with pytest.raises(Invalid, match="is set by the operator, and only on what has ended"):
            await play.client.patch(resource, play.namespace, name, finished)
    await play.when.each_let_go(1)

    await play.then.workflow_ends("Succeeded")
    play.then.everything_ran_once()


async def test_the_api_server_trusts_the_certificate_that_all_replicas_share(play: Play) -> None:
    name = f"{OPERATOR}-webhook"
    secret = await play.client.get(SECRETS, SYSTEM, name)
    found = await play.client.get(VALIDATING_WEBHOOKS, None, f"{SYSTEM}.{name}")

    trusted = {hook["clientConfig"]["caBundle"] for hook in found["webhooks"]}
    assert len(trusted) == 1
    assert secret["data"]["tls.crt"].rstrip("=") in trusted.pop()


@ALONE_WITH_OPERATOR
@pytest.mark.usefixtures("killing")
async def test_no_wrong_manifest_gets_in_or_disturbs_its_neighbours(
    play: Play, operators: Operators
) -> None:
    await _held_workflow(play)
    restarts = _restarts(operators)

    answers = await _applied(play, [bad for bad in committed() if not bad.offline])

    assert [name for name, answer in answers if answer.code == 0] == []
    await _ends_well(play, operators, restarts)


@pytest.mark.without_webhook
@ALONE_WITH_OPERATOR
@pytest.mark.usefixtures("killing")
async def test_what_gets_in_unseen_by_the_webhook_is_rejected(
    play: Play, operators: Operators
) -> None:
    await _held_workflow(play)
    restarts = _restarts(operators)

    await _applied(play, [bad for bad in committed() if not bad.offline])

    def all_rejected() -> bool:
        found = [*play.world.all("Workflow"), *play.world.all("Phase")]
        states = [
            (body.get("status") or {}).get("state")
            for body in found
            if body["metadata"]["name"].startswith("bad-")
        ]
        return len(states) > 40 and set(states) == {"Rejected"}

    await play.then.until("all bad workflows and phases are Rejected", all_rejected)
    await _ends_well(play, operators, restarts)


@ALONE_WITH_OPERATOR
@pytest.mark.usefixtures("killing")
async def test_hostile_manifests_are_refused_or_rejected(play: Play, operators: Operators) -> None:
    await _held_workflow(play)
    restarts = _restarts(operators)

    answers = await _applied(play, list(hostile()))

    assert [name for name, answer in answers if answer.code == 0] == []
    await _ends_well(play, operators, restarts)


@pytest.mark.alone
async def test_while_the_operator_is_down_all_is_let_in_and_looked_at_later(
    play: Play, operators: Operators
) -> None:
    await _scaled(play, 0)
    try:
        # One that is on its way out still answers.
        await operators.world.until("no pod of it", lambda: not operators.world.all("Pod"), 60.0)
        play.given.object(bodies.one_phase("bad", CYCLE))
        await play.when.applied()
    finally:
        await _scaled(play, REPLICAS)

    await play.then.workflow_ends("Rejected", "bad", reason="DependencyCycle")
    await operators.settled()


async def _scaled(play: Play, replicas: int) -> None:
    deployment = f"deployment/{OPERATOR}"
    await play.cluster.kubectl("-n", SYSTEM, "scale", deployment, f"--replicas={replicas}")


async def _held_workflow(play: Play) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("held"), a_task("next", depends_on=["held"])])
    await play.when.applied()
    await play.then.task("work/held").pod_in("Running")


async def _applied(play: Play, manifests: Sequence[Bad]) -> list[tuple[str, Answer]]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(bad: Bad) -> tuple[str, Answer]:
        async with turn:
            command = ("-n", play.namespace, "apply", "--server-side", "-f", "-")
            text = bad.content.decode("utf-8", "replace")
            return bad.name, await play.cluster.try_kubectl(*command, stdin=text)

    return await asyncio.gather(*(one(bad) for bad in manifests))


async def _ends_well(play: Play, operators: Operators, restarts: int) -> None:
    await play.when.each_let_go(2)
    await play.then.workflow_ends("Succeeded", "flow")
    play.then.everything_ran_once()
    assert _restarts(operators) == restarts, _last_ends(operators)


def _last_ends(operators: Operators) -> list[Body]:
    """Return how the containers of the operator ended that were restarted."""
    statuses = [s for pod in operators.pods() for s in pod["status"].get("containerStatuses", ())]
    return [status["lastState"] for status in statuses if status["restartCount"]]


def _restarts(operators: Operators) -> int:
    statuses = [
        status for pod in operators.pods() for status in pod["status"].get("containerStatuses", ())
    ]
    return sum(status["restartCount"] for status in statuses)
