"""The example of a replay: a release that packs worse than the one in use, and work to remember."""

from __future__ import annotations

import json
import zlib
from typing import Any

from kubectl_spectra import manifests
from spectra_operator.api.agent import AgentSpec
from spectra_operator.core.lint.lint import lint
from spectra_operator.core.rollout.gates import Done, judge_replay
from unit.examples.example_runner import EXAMPLES, documents

FOLDER = EXAMPLES / "replay"
[GOOD], [WORSE] = documents(FOLDER / "good.yaml"), documents(FOLDER / "worse.yaml")
[RUN] = documents(FOLDER / "workflow.yaml")


def level(agent: dict[str, Any]) -> int:
    [variable] = agent["spec"]["template"]["env"]
    return int(variable["value"])


def packed(agent: dict[str, Any], text: str) -> Done:
    """Return how an agent does a task of the workflow."""
    [task] = RUN["spec"]["phases"][0]["tasks"]
    whole = (task["input"]["text"].replace("${item}", text) * task["input"]["times"]).encode()
    outputs = {"checksum": zlib.crc32(whole), "bytes": len(zlib.compress(whole, level(agent)))}
    return Done(True, json.loads(json.dumps(outputs)), seconds=1.0, cost=0.0)


def test_the_linter_finds_nothing_wrong_or_odd() -> None:
    files = [FOLDER / "good.yaml", FOLDER / "workflow.yaml"]
    loaded = [manifests.load(file.name, file.read_bytes()) for file in files]

    assert lint([manifest for one in loaded for manifest in one.manifests]) == []


def test_the_two_releases_differ_in_what_they_are_told_alone() -> None:
    same = {**GOOD["spec"], "template": {**GOOD["spec"]["template"], "env": []}}
    assert {**WORSE["spec"], "template": {**WORSE["spec"]["template"], "env": []}} == same
    assert level(GOOD) > level(WORSE)


def test_the_worse_release_does_not_do_a_recorded_task_as_well_and_the_same_one_does() -> None:
    spec = AgentSpec.model_validate(GOOD["spec"])
    assert spec.replayable
    assert spec.rollout
    assert spec.rollout.pre_gate
    replay = spec.rollout.pre_gate.replay
    assert replay

    verdicts = [
        str(judge_replay(replay, packed(agent, text), packed(GOOD, text)).verdict)
        for agent in (GOOD, WORSE)
        for text in RUN["spec"]["phases"][0]["tasks"][0]["forEach"]
    ]

    assert verdicts == ["Passed"] * 6 + ["Failed"] * 6


def test_the_work_is_enough_for_what_is_to_be_done_again() -> None:
    [task] = RUN["spec"]["phases"][0]["tasks"]
    last = GOOD["spec"]["rollout"]["preGate"]["replay"]["last"]

    assert len(task["forEach"]) >= last
    assert (task["agent"], GOOD["metadata"]["name"]) == ("packer", "packer")
