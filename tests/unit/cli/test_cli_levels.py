from __future__ import annotations

from typing import Any

import pytest

from builders.fake_api.merge import merge_patch
from builders.pods import at
from builders.specs import a_workflow
from kubectl_spectra.levels import level_patch
from spectra_operator.api.workflow import WorkflowSpec
from spectra_operator.core.changes import NOBODY, editors_of, levels_of, note_changes


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [("suspend", True, "true"), ("priority", -5, "-5"), ("parallelism", 3, "3")],
)
def test_the_operator_reads_who_changed_what_and_why(field: str, value: Any, shown: str) -> None:
    patch = level_patch(field, value, "jane", "the data is wrong", at(5))
    seen = levels_of(WorkflowSpec(), NOBODY)
    editors = editors_of(patch["metadata"])
    now = levels_of(WorkflowSpec.model_validate(patch["spec"]), editors)

    (change,) = note_changes(seen, now, editors, at(6))

    assert (change.field, change.after) == (field, shown)
    assert (change.actor, change.reason) == ("jane", "the data is wrong")


def test_lifting_a_limit_is_signed_as_none() -> None:
    patch = level_patch("parallelism", None, "jane", None, at(5))

    assert patch["spec"] == {"parallelism": None}
    assert patch["metadata"]["annotations"]["spectra.dev/changed"].startswith("parallelism=none ")


def test_two_changes_are_never_signed_alike() -> None:
    first = level_patch("suspend", True, "jane", None, at(5))
    again = level_patch("suspend", True, "jane", None, at(5.5))

    assert first != again
    assert merge_patch(merge_patch(a_workflow(), first), again) != merge_patch(a_workflow(), first)
