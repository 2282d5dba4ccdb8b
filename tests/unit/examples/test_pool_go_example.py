"""The worker in Go is as short as it says, and says nothing that the OpenAPI document has not."""

from __future__ import annotations

import re
from typing import Any

import yaml

from unit.examples.example_runner import EXAMPLES, documents

FOLDER = EXAMPLES / "pool-go"
SOURCE = (FOLDER / "worker.go").read_text()
API: dict[str, Any] = yaml.safe_load(
    (EXAMPLES.parent / "docs" / "openapi" / "worker-api.yaml").read_text()
)
SCHEMAS = API["components"]["schemas"]
IMPORTS = re.compile(r"^import \((.*?)^\)\n", re.DOTALL | re.MULTILINE)
ID = '"+claim["id"].(string)+"'
MOST_LINES = 40


def lines_of_code(source: str) -> list[str]:
    """The lines without the package clause, imports, comments and blank lines."""
    body = IMPORTS.sub("", re.sub(r"^package .*\n", "", source, flags=re.MULTILINE))
    lines = [line.strip() for line in body.splitlines()]
    return [line for line in lines if line and not line.startswith("//")]


def keys_of_literals(source: str) -> set[str]:
    """The names in the object literals, without the headers."""
    return set(re.findall(r'"([a-z]\w*)": ', source))


def test_it_has_at_most_forty_lines_of_code() -> None:
    assert "/*" not in SOURCE
    assert len(lines_of_code(SOURCE)) <= MOST_LINES
    assert max(len(line.expandtabs(4)) for line in SOURCE.splitlines()) <= 110


def test_it_needs_nothing_but_the_standard_library() -> None:
    [imported] = IMPORTS.findall(SOURCE)
    packages = re.findall(r'"(.+)"', imported)
    assert len(packages) > 5
    assert [name for name in packages if "." in name.split("/")[0]] == []


def test_every_path_it_calls_is_one_of_the_document() -> None:
    said = SOURCE.replace(ID, "{id}")
    paths = set(re.findall(r'"(/[^"]*)"', said))
    assert paths == {"/v1/claims", "/v1/heartbeat", "/v1/claims/{id}/result"}
    assert [path for path in paths if "post" not in API["paths"].get(path, {})] == []


def test_every_field_it_sends_or_reads_is_one_of_the_document() -> None:
    sent = {name for call in ("ClaimsCall", "ResultCall") for name in SCHEMAS[call]["properties"]}
    sent |= set(SCHEMAS["ResultDocument"]["properties"])
    assert keys_of_literals(SOURCE) - {"text"} == {
        *("slots", "waitSeconds"),
        *("epoch", "succeeded", "result", "outputs"),
    }
    assert keys_of_literals(SOURCE) - {"text"} <= sent
    read = set(re.findall(r'claim\["(\w+)"\]', SOURCE))
    assert read == {"id", "epoch", "input"}
    assert read <= set(SCHEMAS["Claim"]["required"])
    assert {"claims", "address"} <= {
        *SCHEMAS["ClaimsAnswer"]["required"],
        *SCHEMAS["Error"]["properties"],
    }


def test_every_call_sends_what_the_document_requires() -> None:
    sent = keys_of_literals(SOURCE)
    for call in ("ClaimsCall", "ResultCall", "HeartbeatCall"):
        assert set(SCHEMAS[call].get("required", ())) <= sent, call
    parameters = API["components"]["parameters"].values()
    [header] = [p["name"] for p in parameters if p["in"] == "header"]
    assert f'"{header}": ' in SOURCE


def test_its_manifest_asks_for_twenty_items_and_one_that_reads_them() -> None:
    agent, workflow = documents(FOLDER / "pool-go.yaml")
    [phase] = workflow["spec"]["phases"]
    shout, say = phase["tasks"]
    [words] = workflow["spec"]["parameters"]
    assert agent["spec"]["mode"] == "Pool"
    assert {shout["agent"], say["agent"]} == {agent["metadata"]["name"]}
    assert len(words["value"]) == 20
    assert (say["dependsOn"], "tasks.shout.outputs" in say["input"]["text"]) == (["shout"], True)
