"""The example of a rollout: two revisions of one agent, of which one is bad enough to be left."""

from __future__ import annotations

from kubectl_spectra import manifests
from spectra_operator.api.action import ActionSpec
from spectra_operator.api.agent import AgentSpec
from spectra_operator.core.lint.lint import lint
from spectra_operator.core.names import revision_hash
from unit.examples.bad_releases import env, exposed
from unit.examples.example_runner import EXAMPLES, documents

FOLDER = EXAMPLES / "rollout"
[GOOD], [BAD] = documents(FOLDER / "good.yaml"), documents(FOLDER / "bad.yaml")
[RUN] = documents(FOLDER / "workflow.yaml")


def test_the_linter_finds_nothing_wrong_or_odd() -> None:
    files = [FOLDER / "good.yaml", FOLDER / "workflow.yaml", FOLDER / "undo.yaml"]
    loaded = [manifests.load(file.name, file.read_bytes()) for file in files]

    assert lint([manifest for one in loaded for manifest in one.manifests]) == []


def test_the_two_revisions_differ_in_what_they_are_told_alone() -> None:
    same = {**GOOD["spec"], "template": {**GOOD["spec"]["template"], "env": []}}
    assert {**BAD["spec"], "template": {**BAD["spec"]["template"], "env": []}} == same
    assert (env(GOOD)["BROKEN_EVERY"], env(BAD)["BROKEN_EVERY"]) == ("0", "3")
    good, bad = (revision_hash(agent["spec"]["template"]) for agent in (GOOD, BAD))
    assert good != bad


def test_the_bad_revision_is_left_within_its_bound() -> None:
    spec = AgentSpec.model_validate(BAD["spec"])
    assert spec.rollout
    scene, used = exposed(BAD, spec.rollout)

    assert used <= spec.rollout.max_unproven
    assert scene.standing() == ("RolledBack", "AnalysisFailed", "v1", "v1")


def test_the_work_is_enough_to_be_judged_by_and_is_done_again_where_it_fails() -> None:
    spec = AgentSpec.model_validate(GOOD["spec"])
    [task] = RUN["spec"]["phases"][0]["tasks"]

    assert spec.rollout
    assert task["count"] >= 10 * spec.rollout.max_unproven
    assert spec.defaults.retry
    assert (task["agent"], GOOD["metadata"]["name"]) == ("press", "press")


def test_the_order_is_about_the_agent() -> None:
    [body] = documents(FOLDER / "undo.yaml")
    spec = ActionSpec.model_validate(body["spec"])

    assert (spec.target.kind, spec.target.name, spec.type) == ("Agent", "press", "Undo")
