"""Selectors of the fake server."""

from __future__ import annotations

import pytest

from builders.fake_api.failure import ApiFailure
from builders.fake_api.selectors import selection


def _matches(selector: str, **labels: str) -> bool:
    return selection(selector, "")({"metadata": {"labels": labels}})


@pytest.mark.parametrize(
    ("selector", "labels", "expected"),
    [
        ("", {}, True),
        ("a=1", {"a": "1"}, True),
        ("a==1", {"a": "1"}, True),
        ("a=1", {"a": "2"}, False),
        ("a=1", {}, False),
        ("a!=1", {"a": "2"}, True),
        ("a!=1", {}, True),
        ("a!=1", {"a": "1"}, False),
        ("a in (1, 2)", {"a": "2"}, True),
        ("a in (1,2)", {}, False),
        ("a notin (1,2)", {}, True),
        ("a notin (1,2)", {"a": "1"}, False),
        ("x.y/a", {"x.y/a": ""}, True),
        ("a", {}, False),
        ("!a", {}, True),
        ("!a", {"a": "1"}, False),
        ("a=1,b in (1,2),!c", {"a": "1", "b": "2"}, True),
        ("a=1,b in (1,2),!c", {"a": "1", "b": "2", "c": ""}, False),
        ("x.y/finished!=true", {"x.y/finished": "true"}, False),
    ],
)
def test_label_selectors_mean_what_the_api_says(
    selector: str, labels: dict[str, str], expected: bool
) -> None:
    assert _matches(selector, **labels) is expected


def test_field_selectors_look_into_the_object() -> None:
    body = {"metadata": {"name": "a"}, "spec": {"nodeName": "n1"}}
    assert selection("", "metadata.name=a,spec.nodeName==n1")(body)
    assert not selection("", "metadata.name!=a")(body)
    assert selection("", "status.phase!=Failed")(body)


@pytest.mark.parametrize("selector", ["a in 1", "a = b = c", "=1"])
def test_a_selector_that_cannot_be_read_is_a_bad_request(selector: str) -> None:
    with pytest.raises(ApiFailure) as caught:
        selection(selector, "")
    assert caught.value.code == 400
