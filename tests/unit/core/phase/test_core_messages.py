"""Messages of a status: the longest are cut, and only if all together are too much."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from builders.pods import at
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.phase.messages import (
    ELLIPSIS,
    MAX_MESSAGE_BYTES,
    MAX_REFUSAL_BYTES,
    cut_longest,
    shortened,
)
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.phase.status import parse_phase, render_phase
from unit.core.core_settings import steady

CHINESE = "\u6570\u636e" * 512
TEXTS = st.dictionaries(st.text(max_size=3), st.text(max_size=40), max_size=8)


def _bytes(texts: dict[str, str]) -> int:
    return sum(len(text.encode()) for text in texts.values())


@steady(200)
@given(TEXTS, st.integers(0, 200))
def test_what_comes_out_fits_and_what_is_cut_is_a_beginning(
    texts: dict[str, str], budget: int
) -> None:
    cut = cut_longest(texts, budget)
    assert cut.keys() == texts.keys()
    assert _bytes(cut) <= budget
    for key, text in cut.items():
        assert text == texts[key] or texts[key].startswith(text.removesuffix(ELLIPSIS))


@steady(200)
@given(TEXTS, st.integers(0, 200))
def test_a_shorter_message_is_never_cut_while_a_longer_one_is_whole(
    texts: dict[str, str], budget: int
) -> None:
    cut = cut_longest(texts, budget)
    whole = [len(text.encode()) for key, text in texts.items() if cut[key] == text]
    shortened = [len(text.encode()) for key, text in texts.items() if cut[key] != text]
    assert max(whole, default=0) <= min(shortened, default=1 << 30)


@steady(200)
@given(TEXTS, st.integers(0, 200), st.integers(0, 200))
def test_to_cut_again_gives_what_one_cut_would(
    texts: dict[str, str], first: int, second: int
) -> None:
    once = cut_longest(texts, min(first, second))
    assert cut_longest(once, min(first, second)) == once
    assert _bytes(cut_longest(cut_longest(texts, max(first, second)), min(first, second))) <= min(
        first, second
    )


def test_messages_that_fit_together_stay_whole() -> None:
    texts = {"a": "x" * 60, "b": "y" * 40}
    assert cut_longest(texts, 100) == texts


def test_only_the_longest_are_cut_and_to_one_length() -> None:
    cut = cut_longest({"a": "x" * 500, "b": "short", "c": "y" * 300}, 105)
    assert cut["b"] == "short"
    assert len(cut["a"].encode()) == len(cut["c"].encode()) == 50
    assert cut["a"].endswith(ELLIPSIS)


def test_no_character_is_cut_in_two() -> None:
    cut = cut_longest({"a": CHINESE}, 100)["a"]
    assert cut == CHINESE[:32] + ELLIPSIS


def _failing(tasks: int) -> PhaseRecord:
    failed = TaskRecord(TaskState.FAILED, failed=1, failures=1, reason="Error", message=CHINESE)
    return PhaseRecord(
        generation=1,
        state=PhaseState.FAILED,
        tasks={f"t{n}": failed for n in range(tasks)},
        applied={f"u{n}": CHINESE for n in range(50)},
    )


def test_a_thousand_failures_in_chinese_fit_into_a_status() -> None:
    status = render_phase(_failing(1000), at(0))
    words = {name: task["message"] for name, task in status["tasks"].items()}
    refusals = {action["uid"]: action["refused"] for action in status["actions"]}
    assert _bytes(words) <= MAX_MESSAGE_BYTES
    assert _bytes(refusals) <= MAX_REFUSAL_BYTES
    assert len(json.dumps(status, ensure_ascii=False).encode()) < 400 * 1024
    assert all(text.endswith(ELLIPSIS) for text in words.values())


def test_a_status_whose_messages_were_cut_stays_as_it_is_when_it_is_read_and_written() -> None:
    status = render_phase(_failing(1000), at(0))
    assert render_phase(parse_phase(status), at(0)) == status


def test_a_few_failures_keep_all_that_they_said() -> None:
    status = render_phase(_failing(2), at(0))
    assert status["tasks"]["t0"]["message"] == CHINESE


def test_records_are_cut_as_their_status_would_be() -> None:
    record = _failing(1000)
    cut = PhaseRecord(state=record.state, tasks=shortened(record.tasks))
    assert parse_phase(render_phase(cut, at(0))).tasks == cut.tasks


def test_records_whose_messages_fit_stay_the_very_same() -> None:
    tasks = _failing(2).tasks
    assert shortened(tasks) is tasks
