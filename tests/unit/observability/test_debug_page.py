"""The status page: bounded, and nothing in it is markup but its own."""

from __future__ import annotations

import json

from spectra_operator.observability.debug_page import (
    MOST_ROWS,
    a_table,
    render_html,
    render_json,
)


def test_tables_are_shown_to_people() -> None:
    table = a_table("queues", ("queue", "value"), [("keys", 3), ("seconds", 1.23456789)])

    page = render_html("Operator", [table])

    assert "<title>Operator</title>" in page
    assert "<h2>queues</h2>" in page
    assert "<td>keys<td>3" in page
    assert "<td>seconds<td>1.2346" in page
    assert "<script" not in page


def test_and_to_programs() -> None:
    table = a_table("queues", ("queue", "value", "why"), [("keys", 3, None), ("on", True, "x")])

    assert json.loads(render_json([table])) == {
        "queues": {
            "rows": [
                {"queue": "keys", "value": 3, "why": None},
                {"queue": "on", "value": True, "why": "x"},
            ],
            "leftOut": 0,
        }
    }


def test_what_others_named_is_no_markup() -> None:
    table = a_table("<i>", ("<b>",), [("<script>alert(1)</script>&",)])

    page = render_html("a & b", [table])

    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in page
    assert "<script" not in page
    assert "<i>" not in page
    assert "<b>" not in page


def test_a_table_without_rows_says_so() -> None:
    assert "<p>none</p>" in render_html("x", [a_table("empty", ("a",), [])])


def test_a_page_stays_small_and_says_what_it_left_out() -> None:
    table = a_table("many", ("name",), [("x" * 100_000,) for _ in range(5000)])

    assert len(table.rows) == MOST_ROWS
    assert table.left_out == 5000 - MOST_ROWS
    assert "and 4950 more" in render_html("x", [table])
    assert len(render_html("x", [table])) < 20_000
    assert len(render_json([table])) < 20_000
    assert str(table.rows[0][0]).endswith("…")
