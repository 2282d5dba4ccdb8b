"""docs/reference/reasons.md explains each reason that the operator gives, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spectra_operator.api.phase import TaskState
from website import reasons
from website.reasons import catalogue, reasons_page, words_of_code

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "operator" / "spectra_operator"


@pytest.fixture(scope="module")
def words() -> dict[str, str]:
    return words_of_code(PACKAGE)


def test_every_reason_of_the_code_is_explained(words: dict[str, str]) -> None:
    known = catalogue()
    left = {word: file for word, file in words.items() if word not in known.reasons | known.others}

    assert left == {}, "explain them in hack/website/reasons.yaml, or list them in not_reasons"


def test_nothing_is_explained_that_the_code_does_not_say(words: dict[str, str]) -> None:
    known = catalogue()

    assert sorted((known.reasons | known.others) - words.keys()) == []


def test_a_word_is_a_reason_or_none_and_not_both() -> None:
    known = catalogue()

    assert sorted(known.reasons & known.others) == []


def test_every_condition_that_a_status_can_have_is_in_the_table() -> None:
    files = ["core/conditions.py", "core/pool/scale_status.py", "core/pool/health.py"]
    files += ["core/rollout/status.py", "engine/agents.py", "core/schedule/status.py"]
    text = "".join((PACKAGE / file).read_text() for file in files)
    found = re.findall(r'_?[Cc]ondition\(\s*(?:run, |record, stored, now, )?"(\w+)"', text)

    assert len(found) >= 8
    assert set(found) <= {name for _, name, _, _ in catalogue().conditions}


def test_a_reason_that_two_places_give_says_in_each_what_to_do() -> None:
    for section in catalogue().sections:
        for reason, (means, do) in section.reasons.items():
            assert means, reason
            assert do, reason


def test_the_page_has_a_row_for_each_condition_and_reason() -> None:
    text = reasons_page()
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)

    assert set(rows) == catalogue().reasons
    for _, name, _, _ in catalogue().conditions:
        assert f"| `{name}` |" in text


def test_words_are_strings_of_code_that_are_spelt_like_reasons(tmp_path: Path) -> None:
    room = tmp_path / "core"
    room.mkdir()
    (room / "one.py").write_text(
        '"""Doc Text."""\nx = "NoRoom"\ny = "no room"\nz = f"{x}NotThis"\n'
    )
    (tmp_path / "api.py").write_text('x = "Elsewhere"\n')
    (room / "lint").mkdir()
    (room / "lint" / "two.py").write_text('x = "OfTheLinter"\n')

    assert words_of_code(tmp_path) == {"NoRoom": "core/one.py", "NotThis": "core/one.py"}


def test_an_entry_without_what_to_do_is_refused() -> None:
    with pytest.raises(ValueError, match="NoRoom: what it means and what to do"):
        reasons._pair("NoRoom", ["there is none"])


def test_states_are_not_taken_for_reasons() -> None:
    assert {str(state) for state in TaskState} & catalogue().reasons <= {"Cancelled"}
