"""Checkpoints on pods: what is believed of an annotation that anyone might have written."""

from __future__ import annotations

import pytest

from builders.pods import Body, a_pod, failed, running
from spectra_operator.api import constants as c
from spectra_operator.core.attempts.checkpoint import annotation, checkpoint_of
from spectra_operator.core.attempts.evidence import Kind, attempt_of


def noted(text: str) -> Body:
    """Return a pod that runs, with an annotation."""
    pod = running(a_pod(), 1)
    pod["metadata"]["annotations"] = annotation(text)
    return pod


@pytest.mark.parametrize(
    "text", ['{"row":1}', "[]", "0", "false", '""', '"' + "x" * (c.MAX_CHECKPOINT_BYTES - 2) + '"']
)
def test_json_that_fits_is_a_checkpoint(text: str) -> None:
    assert checkpoint_of(noted(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{",
        "row 1",
        "[" * 2000 + "]" * 2000,
        '"' + "x" * (c.MAX_CHECKPOINT_BYTES - 1) + '"',
        '"' + "ü" * (c.MAX_CHECKPOINT_BYTES // 2) + '"',
        '"\ud800"' * 2,
    ],
    ids=["empty", "null", "cut off", "no JSON", "deep", "large", "large as UTF-8", "surrogates"],
)
def test_anything_else_counts_as_none(text: str) -> None:
    assert checkpoint_of(noted(text)) == ""


def test_a_pod_without_annotations_has_none() -> None:
    pod = a_pod()
    pod["metadata"].pop("annotations", None)
    assert checkpoint_of(pod) == ""


def test_an_attempt_has_its_pods_checkpoint_while_it_runs_and_after_it_failed() -> None:
    live = noted("[15]")
    over = failed(live, 9, 1)
    attempts = [attempt_of(live), attempt_of(over)]
    assert [attempt and attempt.checkpoint for attempt in attempts] == ["[15]", "[15]"]
    assert attempts[1]
    assert attempts[1].outcome
    assert attempts[1].outcome.kind is Kind.FAILED
