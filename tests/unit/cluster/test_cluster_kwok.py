"""Fake nodes: what KWOK is told, and when it is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import fakes, kwok, state
from cluster.binaries import Builder
from cluster.console import Console
from cluster.errors import ProviderRefused
from cluster.kwok import Lasting
from cluster.paths import cluster_paths
from cluster.processes import ProcessId, start_ticks
from cluster.providers.base import Context
from cluster.state import ClusterState


def stage() -> dict[str, Any]:
    found: dict[str, Any] = kwok.complete_stage()["spec"]
    return found


def test_only_running_pods_that_are_not_restarted_end() -> None:
    rules = {rule["key"]: rule for rule in stage()["selector"]["matchExpressions"]}

    assert rules[".spec.restartPolicy"]["values"] == ["Never"]
    assert rules[".status.phase"]["values"] == ["Running"]
    assert rules[".metadata.deletionTimestamp"]["operator"] == "DoesNotExist"


def test_a_pod_says_itself_how_long_it_runs() -> None:
    assert stage()["delay"]["durationFrom"] == {
        "expressionFrom": '.metadata.annotations["fake.spectra.dev/duration"]'
    }


def test_without_jitter_pods_that_say_nothing_run_for_a_second_each() -> None:
    assert stage()["delay"]["durationMilliseconds"] == 1000
    assert "jitterDurationMilliseconds" not in stage()["delay"]


def test_with_jitter_durations_are_spread_between_two_bounds() -> None:
    delay = kwok.complete_stage(Lasting(500, 1500))["spec"]["delay"]

    assert (delay["durationMilliseconds"], delay["jitterDurationMilliseconds"]) == (500, 1500)


def test_the_end_of_a_pod_is_one_update_with_phase_code_and_message() -> None:
    template = stage()["next"]["statusTemplate"]

    for part in ("phase:", "exitCode:", "message:", kwok.EXIT_CODE, kwok.MESSAGE):
        assert part in template


def test_a_pods_environment_says_how_it_ends_where_its_annotations_do_not() -> None:
    template = stage()["next"]["statusTemplate"]

    for annotation, variable in (
        (kwok.EXIT_CODE, kwok.EXIT_CODE_VARIABLE),
        (kwok.MESSAGE, kwok.MESSAGE_VARIABLE),
    ):
        assert f'or (index $notes "{annotation}") (index $given "{variable}")' in template


def test_the_configuration_is_one_document_per_stage() -> None:
    text = kwok.configuration(["kind: Stage\nmetadata: {name: stock}\n"])
    documents = list(yaml.safe_load_all(text))

    assert [entry["kind"] for entry in documents] == ["KwokConfiguration", "Stage", "Stage"]
    assert documents[0]["options"]["manageNodesWithLabelSelector"] == "type=kwok"


def test_a_fake_nodes_lease_is_renewed_before_it_is_missed() -> None:
    assert kwok.options()["options"]["nodeLeaseDurationSeconds"] / 4 < 50


def test_a_fake_node_takes_only_pods_that_ask_for_it() -> None:
    node = kwok.node(3)

    assert node["metadata"]["name"] == "kwok-node-3"
    assert node["metadata"]["labels"]["type"] == "kwok"
    assert node["spec"]["taints"] == [
        {"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}
    ]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    paths = cluster_paths("demo", {"SPECTRA_STATE": str(tmp_path)})
    return Context(paths, Builder(tmp_path / "cache", Console()), Console())


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what would be done to a cluster, in place of doing it."""
    noted: list[str] = []

    def start(_: Context, prefix: list[str], lasting: Lasting) -> ProcessId:
        noted.append(f"start {' '.join(prefix)} {lasting.least}-{lasting.most}")
        return ProcessId(1, 1)

    monkeypatch.setattr(fakes, "_start", start)
    monkeypatch.setattr(fakes, "_wait", lambda *_: noted.append("wait"))
    monkeypatch.setattr(kwok, "create_nodes", lambda _, count: noted.append(f"create {count}"))
    return noted


def save(context: Context, provider: str, nodes: int, process: ProcessId | None = None) -> None:
    processes = {} if process is None else {kwok.PROCESS: process}
    record = ClusterState(provider, "boot", processes=processes, kwok_nodes=nodes)
    state.save(context.paths.state_file, record)


def alive() -> ProcessId:
    return ProcessId(1, start_ticks(1) or 0)


def test_a_cluster_without_fake_nodes_gets_no_kwok(context: Context, calls: list[str]) -> None:
    save(context, "local", 0)

    fakes.ensure(context, [], 0)

    assert calls == []


def test_fake_nodes_are_added_to_a_running_cluster(context: Context, calls: list[str]) -> None:
    save(context, "local", 0)

    fakes.ensure(context, ["nsenter"], 5, Lasting(500, 1500))

    assert calls == ["start nsenter 500-1500", "create 5", "wait"]
    saved = state.load(context.paths.state_file)
    assert saved is not None
    assert saved.kwok_nodes == 5
    assert saved.processes[kwok.PROCESS] == ProcessId(1, 1)


def test_more_fake_nodes_need_no_second_kwok(context: Context, calls: list[str]) -> None:
    save(context, "local", 5, alive())

    fakes.ensure(context, [], 8)

    assert calls == ["create 8", "wait"]


@pytest.mark.parametrize("wanted", [0, 3, 5])
def test_what_is_there_is_left_alone(context: Context, calls: list[str], wanted: int) -> None:
    save(context, "local", 5, alive())

    fakes.ensure(context, [], wanted)

    assert calls == []


def test_a_dead_kwok_is_started_again_with_all_its_nodes(
    context: Context, calls: list[str]
) -> None:
    save(context, "kind", 5, ProcessId(1, 0))

    fakes.ensure(context, [], 0)

    assert calls == ["start  1000-1000", "create 5", "wait"]


def test_somebody_elses_cluster_gets_no_fake_nodes(context: Context, calls: list[str]) -> None:
    save(context, "existing", 0)

    with pytest.raises(ProviderRefused, match="--kwok-nodes needs a cluster that this tool made"):
        fakes.ensure(context, [], 1)

    assert calls == []
