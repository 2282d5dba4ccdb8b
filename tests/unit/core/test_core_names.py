"""Names of what we make: valid, within their bounds, the same every time and never shared."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.names import phase_name, pod_name, revision_hash, short_hash
from unit.core.core_settings import steady

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(rf"{LABEL.pattern}(\.{LABEL.pattern})*")

STEPS = st.text("a0-", max_size=38).map(lambda text: f"a{text}z")
OBJECTS = st.text("a0-.", max_size=90).map(lambda t: re.sub(r"[-.]*\.[-.]*", ".", f"a{t}z"))


def test_names_speak_for_themselves() -> None:
    assert phase_name("etl", "u1", "load").startswith("etl-load-")
    assert pod_name("etl-load-x", "p1", "copy", None, 1).startswith("etl-load-x-copy-")
    assert pod_name("etl-load-x", "p1", "copy", 7, 1).startswith("etl-load-x-copy-7-")


def test_a_name_is_the_same_on_every_replica_and_in_every_version() -> None:
    assert phase_name("etl", "u1", "load") == "etl-load-f5c4p"
    assert pod_name("etl-load-x", "p1", "copy", 7, 1) == "etl-load-x-copy-7-gpkmvdsz"
    assert revision_hash({"image": "a:1"}) == "6vd84tn57t"


def test_the_longest_names_stay_within_what_labels_and_hosts_allow() -> None:
    pod = pod_name("p" * 99, "u", "t" * 40, 9999, 999)
    assert len(pod) <= 63
    assert len(phase_name("w" * 52, "u" * 36, "p" * 40)) <= 253


@pytest.mark.parametrize(
    ("phase", "task"),
    [
        ("a" * 29 + "-b", "t"),
        ("a" * 28 + "--b", "t"),
        ("a" * 29 + ".b", "t"),
        ("a" * 28 + ".-b", "t"),
        ("p" * 30, "t" * 20 + "-" + "u" * 19),
    ],
)
def test_a_name_that_is_cut_stays_valid(phase: str, task: str) -> None:
    assert SUBDOMAIN.fullmatch(pod_name(phase, "u", task, 123, 1))


@steady(200)
@given(OBJECTS, STEPS, st.none() | st.integers(0, 9999), st.integers(1, 300))
def test_every_pod_name_is_valid_and_short_enough(
    phase: str, task: str, index: int | None, number: int
) -> None:
    name = pod_name(phase, "u", task, index, number)
    assert len(name) <= 63
    assert SUBDOMAIN.fullmatch(name)


def test_different_attempts_have_different_names() -> None:
    names = {
        pod_name("p" * 99, uid, task, index, number)
        for uid in ("u1", "u2")
        for task in ("t" * 40, "t" * 39)
        for index in range(20)
        for number in range(1, 20)
    }
    assert len(names) == 2 * 2 * 20 * 19


def test_a_workflow_that_was_applied_again_gets_other_phases() -> None:
    assert phase_name("etl", "u1", "load") != phase_name("etl", "u2", "load")


def test_a_revision_is_named_by_what_was_written_not_by_its_order() -> None:
    assert revision_hash({"a": 1, "b": 2}) == revision_hash({"b": 2, "a": 1})
    assert revision_hash({"a": 1}) != revision_hash({"a": 1, "b": None})


def test_hashes_have_no_vowels_and_no_look_alikes() -> None:
    text = "".join(short_hash(str(i), 10) for i in range(200))
    assert not set(text) & set("aeiouy013")
