"""The example of the tutorial: an agent that comes from zero, and a release that is bad enough."""

from __future__ import annotations

from kubectl_spectra import manifests
from spectra_operator.api.agent import AgentSpec
from spectra_operator.core.lint.lint import lint
from unit.examples.bad_releases import env, exposed
from unit.examples.example_runner import EXAMPLES, documents

FOLDER = EXAMPLES / "tutorial"
[GOOD], [BAD] = documents(FOLDER / "agent.yaml"), documents(FOLDER / "broken.yaml")
[RUN] = documents(FOLDER / "workflow.yaml")


def test_the_linter_finds_nothing_wrong_or_odd() -> None:
    for name in ("agent.yaml", "broken.yaml"):
        files = [FOLDER / name, FOLDER / "workflow.yaml"]
        loaded = [manifests.load(file.name, file.read_bytes()) for file in files]
        assert lint([manifest for one in loaded for manifest in one.manifests]) == []


def test_the_two_releases_differ_in_what_they_are_told_alone() -> None:
    same = {**GOOD["spec"], "template": {**GOOD["spec"]["template"], "env": []}}

    assert {**BAD["spec"], "template": {**BAD["spec"]["template"], "env": []}} == same
    assert (env(GOOD)["BROKEN_EVERY"], env(BAD)["BROKEN_EVERY"]) == ("0", "3")


def test_workers_come_from_zero_and_the_work_wants_all_of_them() -> None:
    spec = AgentSpec.model_validate(GOOD["spec"])
    [task] = RUN["spec"]["phases"][0]["tasks"]

    assert spec.scaling
    assert spec.scaling.min_replicas == 0
    assert task["count"] > 10 * spec.slots * spec.scaling.max_replicas
    assert task["agent"] == GOOD["metadata"]["name"]


def test_the_bad_release_is_left_within_its_bound() -> None:
    spec = AgentSpec.model_validate(BAD["spec"])
    assert spec.rollout
    scene, used = exposed(BAD, spec.rollout)

    assert used <= spec.rollout.max_unproven
    assert scene.standing() == ("RolledBack", "AnalysisFailed", "v1", "v1")
