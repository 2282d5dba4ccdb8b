from __future__ import annotations

import io
import json

import yaml

from builders.specs import a_workflow
from kubectl_spectra import output
from kubectl_spectra.session import console_for
from unit.cli.cli_cases import NOW, a_running_workflow, printed


def rows(*bodies: dict[str, object], wide: bool = False, everywhere: bool = False) -> list[str]:
    table = output.workflow_table(bodies, NOW, wide=wide, everywhere=everywhere)
    return printed(table).splitlines()


def test_workflows_are_listed_with_the_columns_of_kubectl() -> None:
    body = a_running_workflow(progress="5/17", criticalPath="db/migration +9", eta="40s")
    body["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"

    head, row = rows(body)

    assert head.split("  ")[0] == "NAME"
    assert [title for title in head.split("  ") if title] == [
        "NAME", "STATE", "PROGRESS", "CRITICAL PATH", "ETA", "DURATION", "AGE",
    ]  # fmt: skip
    assert row.split() == ["flow", "Running", "5/17", "db/migration", "+9", "40s", "60s"]


def test_a_workflow_that_was_not_looked_at_yet_is_pending() -> None:
    assert rows(a_workflow())[1].split() == ["flow", "Pending"]


def test_the_wide_table_says_why_and_what_it_cost() -> None:
    body = a_running_workflow(
        reason="Suspended", message="spec.suspend\nis true", usage={"cost": "0.02"},
        counts={"total": 9, "running": 3, "failed": 1}, eta="40s", samples=64,
    )  # fmt: skip

    head, row = rows(body, wide=True)

    assert head.index("SAMPLES") < head.index("REASON")
    assert row.split() == [
        "flow", "Running", "40s", "64", "Suspended", "3", "1", "0", "0.02",
        "spec.suspend", "is", "true",
    ]  # fmt: skip


def test_the_namespace_stands_in_front_when_all_are_listed() -> None:
    assert rows(a_workflow(), everywhere=True)[1].split()[:2] == ["team", "flow"]


def test_machines_get_the_object_without_managed_fields() -> None:
    body = a_workflow() | {}
    body["metadata"] = {**body["metadata"], "managedFields": [{"manager": "x"}]}

    for text in (output.machine(body, "json"), output.machine(body, "yaml")):
        parsed = yaml.safe_load(text)
        assert parsed["metadata"]["name"] == "flow"
        assert "managedFields" not in parsed["metadata"]


def test_lists_are_cleaned_item_by_item() -> None:
    body = a_workflow()
    body["metadata"]["managedFields"] = []
    listed = {"kind": "WorkflowList", "metadata": {"resourceVersion": "1"}, "items": [body]}

    (item,) = json.loads(output.machine(listed, "json"))["items"]

    assert "managedFields" not in item["metadata"]


def test_text_beyond_ascii_stays_readable() -> None:
    assert "Größe" in output.machine({"a": "Größe"}, "json")
    assert "Größe" in output.machine({"a": "Größe"}, "yaml")


def test_a_file_gets_no_colour_and_no_broken_lines() -> None:
    stream = io.StringIO()
    console = console_for(stream)
    table = output.plain_table(["A", "B"])
    table.add_row("x", "y" * 500)

    output.print_table(console, table)

    assert stream.getvalue().splitlines() == ["A  B", "x  " + "y" * 500]
