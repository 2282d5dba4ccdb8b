"""Merge patches that are easy to get wrong by hand."""

from __future__ import annotations

import pytest

from spectra_operator.kube.patches import guarded, without_finalizer
from spectra_operator.kube.resources import Body


def _body(*finalizers: str) -> Body:
    return {
        "kind": "Pod",
        "metadata": {"name": "a", "resourceVersion": "5", "finalizers": list(finalizers)},
    }


def test_removing_a_finalizer_keeps_the_others_and_their_order() -> None:
    patch = without_finalizer(_body("x", "ours", "y"), "ours")
    assert patch == {"metadata": {"finalizers": ["x", "y"], "resourceVersion": "5"}}


def test_removing_the_last_finalizer_removes_the_list() -> None:
    patch = without_finalizer(_body("ours"), "ours")
    assert patch == {"metadata": {"finalizers": None, "resourceVersion": "5"}}


def test_there_is_nothing_to_patch_without_the_finalizer() -> None:
    assert without_finalizer(_body("x"), "ours") is None
    assert without_finalizer({"metadata": {"resourceVersion": "5"}}, "ours") is None


def test_a_guarded_patch_keeps_the_metadata_it_changes() -> None:
    patch = guarded(_body(), {"metadata": {"labels": {"a": "b"}}, "spec": {"x": 1}})
    assert patch == {
        "metadata": {"labels": {"a": "b"}, "resourceVersion": "5"},
        "spec": {"x": 1},
    }


def test_an_object_that_never_was_on_the_server_cannot_guard_a_patch() -> None:
    with pytest.raises(ValueError, match="Pod 'a' has no resourceVersion"):
        guarded({"kind": "Pod", "metadata": {"name": "a"}}, {})
