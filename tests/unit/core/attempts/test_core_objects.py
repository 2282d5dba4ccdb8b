"""The objects we create: pods that every namespace admits, phases, revisions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.records import a_policy
from builders.specs import (
    Body,
    a_phase,
    a_phase_of,
    a_workflow,
    an_agent,
)
from spectra_operator.api import constants as c
from spectra_operator.api.agent import AgentSpec
from spectra_operator.core.attempts.evidence import attempt_of
from spectra_operator.core.attempts.objects import AttemptPlan, pod_body, revision_body
from spectra_operator.core.policy import TaskPolicy
from spectra_operator.core.spec.compile import compile_phase
from unit.core.core_expansion import expanded
from unit.core.core_settings import steady


def pod_of(
    phase: Body | None = None,
    *,
    template: Body | None = None,
    index: int | None = None,
    text: str = "{}",
    policy: TaskPolicy | None = None,
    checkpoints: bool = False,
    **of_plan: str,
) -> Body:
    """Return the pod of the second attempt of task `work`."""
    agent = AgentSpec.model_validate(an_agent(template=template, checkpoints=checkpoints)["spec"])
    plan = AttemptPlan(
        "work", index, 2, "worker", agent, "r1", text, policy or a_policy(), **of_plan
    )
    return pod_body(compile_phase(phase or a_phase()), plan, "0")


def container_of(pod: Body) -> Body:
    """Return the one container of a pod."""
    (container,) = pod["spec"]["containers"]
    found: Body = container
    return found


def env_of(pod: Body) -> dict[str, str]:
    """Return the variables as the container sees them."""
    return expanded(container_of(pod)["env"])


def test_a_pod_passes_the_restricted_pod_security_standard() -> None:
    pod = pod_of()
    spec, container = pod["spec"], container_of(pod)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {key for volume in spec["volumes"] for key in volume} == {"name", "emptyDir"}
    assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
    assert "ports" not in container


def test_a_pod_has_no_way_to_the_api_server() -> None:
    spec = pod_of()["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert "serviceAccountName" not in spec


def test_a_pod_can_write_only_to_its_scratch_space() -> None:
    container = container_of(pod_of())
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


def test_a_pod_is_never_restarted_and_held_until_its_result_is_recorded() -> None:
    pod = pod_of()
    assert pod["spec"]["restartPolicy"] == "Never"
    assert pod["metadata"]["finalizers"] == [c.RESULT_FINALIZER]
    (owner,) = pod["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Phase", "stage", True)


def test_the_attempt_can_be_read_off_the_pod_again() -> None:
    attempt = attempt_of(pod_of(a_phase_of(a_workflow()), index=7))
    assert attempt is not None
    assert (attempt.task, attempt.index, attempt.number) == ("work", 7, 2)
    assert (attempt.agent, attempt.revision, attempt.held) == ("worker", "r1", True)
    assert attempt.workflow_uid == a_workflow()["metadata"]["uid"]


def test_the_pods_of_a_phase_that_stands_alone_name_no_workflow() -> None:
    labels = pod_of()["metadata"]["labels"]
    assert c.LABEL_WORKFLOW not in labels
    assert labels[c.LABEL_PHASE] == "stage"


def test_our_selector_finds_the_pods_we_make() -> None:
    labels = pod_of()["metadata"]["labels"]
    assert labels[c.MANAGED_BY] == c.MANAGER
    assert labels[c.LABEL_PHASE_UID]
    assert c.LABEL_RECORDED not in labels


@pytest.mark.parametrize("name", ["p" * 253, "p" * 62 + "." + "q" * 100])
def test_every_label_fits_whatever_the_phase_is_called(name: str) -> None:
    labels = pod_of(a_phase(name=name))["metadata"]["labels"]
    assert all(len(value) <= 63 and value.strip("-.") == value for value in labels.values())


def test_a_task_is_told_who_it_is() -> None:
    env = env_of(pod_of(a_phase_of(a_workflow(), "build"), index=7, text='{"a":1}'))
    uid = a_phase()["metadata"]["uid"]
    assert env == {
        "SPECTRA_WORKFLOW": "flow",
        "SPECTRA_PHASE": "build",
        "SPECTRA_TASK": "work",
        "SPECTRA_INDEX": "7",
        "SPECTRA_ATTEMPT": "2",
        "SPECTRA_KEY": "/".join([uid, "work", "7"]),
        "SPECTRA_INPUT": '{"a":1}',
    }


def test_a_phase_that_stands_alone_gives_its_own_name() -> None:
    env = env_of(pod_of())
    assert (env["SPECTRA_WORKFLOW"], env["SPECTRA_PHASE"], env["SPECTRA_INDEX"]) == (
        "",
        "stage",
        "0",
    )


@pytest.mark.parametrize(
    "text", ["$(SPECTRA_KEY)", "$$(SPECTRA_KEY)", "$$", "$", "5$", "$$$(X)", "$(SPECTRA_KEY", "a$b"]
)
def test_the_kubelet_changes_nothing_in_an_input(text: str) -> None:
    handed = json.dumps({"v": text})
    assert env_of(pod_of(text=handed))["SPECTRA_INPUT"] == handed


@steady(300)
@given(st.text(alphabet="$()SPECTRA_KEY{}", max_size=30))
def test_no_input_is_ever_expanded(text: str) -> None:
    assert env_of(pod_of(text=text))["SPECTRA_INPUT"] == text


def test_what_the_agent_says_is_taken_into_the_pod() -> None:
    template = {
        "imagePullPolicy": "Always",
        "imagePullSecrets": [{"name": "registry"}],
        "command": ["run"],
        "args": ["$(SPECTRA_TASK)"],
        "env": [
            {"name": "CODEC", "value": "zstd"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "llm", "key": "token"}}},
        ],
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "runtimeClassName": "sandbox",
        "terminationGracePeriodSeconds": 5,
    }
    pod = pod_of(template=template)
    container = container_of(pod)
    for key in ("imagePullSecrets", "nodeSelector", "tolerations", "runtimeClassName"):
        assert pod["spec"][key] == template[key]
    assert pod["spec"]["terminationGracePeriodSeconds"] == 5
    assert (container["command"], container["args"]) == (["run"], ["$(SPECTRA_TASK)"])
    assert container["imagePullPolicy"] == "Always"
    assert container["env"][-2:] == template["env"]


def test_what_the_agent_leaves_out_is_left_out() -> None:
    pod = pod_of()
    assert not container_of(pod).keys() & {"command", "args", "imagePullPolicy"}
    assert not pod["spec"].keys() & {"nodeSelector", "activeDeadlineSeconds"}


@pytest.mark.parametrize(
    ("resources", "requests"),
    [
        (None, {"cpu": "10m", "memory": "32Mi"}),
        ({"limits": {"memory": "16Mi"}}, {"cpu": "10m"}),
        ({"requests": {"cpu": "2"}}, {"cpu": "2"}),
    ],
)
def test_a_pod_always_requests_something(resources: Body | None, requests: Body) -> None:
    template = {"resources": resources} if resources else {}
    assert container_of(pod_of(template=template))["resources"]["requests"] == requests


@pytest.mark.parametrize(
    ("defaults", "backstop"),
    [
        ({"timeoutSeconds": 100}, 100 + 3600 + 60),
        ({"timeoutSeconds": 100, "pendingTimeoutSeconds": 20}, 180),
        ({"pendingTimeoutSeconds": 20}, None),
    ],
)
def test_the_pod_s_own_deadline_comes_later_than_the_engine_s(
    defaults: Body, backstop: int | None
) -> None:
    spec = pod_of(policy=a_policy(defaults=defaults))["spec"]
    assert spec.get("activeDeadlineSeconds") == backstop


def test_a_revision_is_the_template_as_it_was_written() -> None:
    agent = an_agent(template={"command": ["run"]})
    body = revision_body(agent, "k7", 4)
    assert body["data"] == {"template": agent["spec"]["template"]}
    assert body["revision"] == 4
    assert body["metadata"]["name"] == "worker-k7"
    assert body["metadata"]["labels"][c.LABEL_REVISION] == "k7"


def test_a_pod_of_an_agent_with_checkpoints_gets_a_token_for_the_worker_api_alone() -> None:
    pod = pod_of(checkpoints=True, url="http://workers:8082")
    (mount,) = [m for m in container_of(pod)["volumeMounts"] if m["name"] == "spectra-token"]
    (volume,) = [v for v in pod["spec"]["volumes"] if v["name"] == "spectra-token"]
    (source,) = volume["projected"]["sources"]
    env = env_of(pod)
    assert source["serviceAccountToken"]["audience"] == "spectra"
    assert mount["readOnly"] is True
    assert env["SPECTRA_WORKER_TOKEN_FILE"] == f"{mount['mountPath']}/token"
    assert env["SPECTRA_WORKER_URL"] == "http://workers:8082"
    assert env["SPECTRA_CLAIM"] == pod["metadata"]["name"]
    assert pod["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize(("checkpoints", "url"), [(False, "http://workers:8082"), (True, "")])
def test_other_pods_get_no_token(checkpoints: bool, url: str) -> None:
    pod = pod_of(checkpoints=checkpoints, url=url)
    assert "spectra-token" not in json.dumps(pod)
    assert not {"SPECTRA_CLAIM", "SPECTRA_WORKER_URL"} & env_of(pod).keys()


@pytest.mark.parametrize("checkpoints", [False, True])
def test_a_pod_gets_the_checkpoint_of_the_attempt_before_as_it_was(checkpoints: bool) -> None:
    left = '{"price":"$(HOME) $5","row":15}'
    assert env_of(pod_of(checkpoints=checkpoints, checkpoint=left))["SPECTRA_CHECKPOINT"] == left
    assert "SPECTRA_CHECKPOINT" not in env_of(pod_of())
