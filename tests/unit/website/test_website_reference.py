"""The generated reference has every field, option and setting of the code."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from kubectl_spectra.main import program
from spectra_operator import config
from spectra_operator.api.crds import FIXED_BY_POLICY, KINDS, Kind, crd
from website.commands import commands, commands_page
from website.kinds import kind_pages
from website.markdown import cell, code, table
from website.reference import pages
from website.settings import attribute_docs, settings_page

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def api() -> dict[str, str]:
    return kind_pages()


def fields(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the name of every field below a schema of a CRD, however deep."""
    for name, field in schema.get("properties", {}).items():
        yield name
        yield from fields(field)
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from fields(inner)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_field_of_the_crd_has_a_row(kind: Kind, api: dict[str, str]) -> None:
    [version] = crd(kind)["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]
    wanted = {name for part in ("spec", "status") for name in fields(schema[part])}
    everywhere = "".join(api.values())

    assert {name for name in wanted if f"| `{name}` |" not in everywhere} == set()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_fields_at_the_top_stand_on_the_kinds_own_page(kind: Kind, api: dict[str, str]) -> None:
    spec = kind.spec.model_json_schema(by_alias=True)
    text = api[kind.kind.lower()]

    assert all(f"| `{name}` |" in text for name in spec["properties"])
    assert all(f"`{column.path}`" in text for column in kind.columns)
    assert all(cell(message) in text for _, message in kind.spec_rules)
    for field in FIXED_BY_POLICY.get(kind.plural, ()):
        assert f"\n- {field}: cannot be changed once applied" in text


def row(text: str, field: str, section: str) -> list[str]:
    """Return the cells of a field in a section of a page."""
    part = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    [line] = [line for line in part.splitlines() if line.startswith(f"| `{field}` |")]
    return [each.strip() for each in re.split(r"(?<!\\)\|", line)[2:-1]]


def test_a_row_tells_type_default_bounds_and_meaning(api: dict[str, str]) -> None:
    kind, default, bounds, meaning = row(api["agent"], "slots", "spec")

    assert (kind, default, bounds) == ("integer", "`1`", "1 to 32")
    assert meaning.startswith("Tasks that one worker does at once")


def test_a_row_tells_what_is_required_and_what_may_be_chosen(api: dict[str, str]) -> None:
    assert row(api["agent"], "template", "spec")[:2] == [
        "[AgentTemplate](#agenttemplate)",
        "required",
    ]
    assert row(api["agent"], "mode", "spec")[2] == "`Pod`, `Pool`"


def test_lists_and_maps_tell_what_is_in_them(api: dict[str, str]) -> None:
    assert row(api["agent"], "capabilities", "spec")[0] == "list of string"
    assert row(api["agent"], "env", "AgentTemplate")[0] == "list of [EnvVar](#envvar)"
    assert row(api["types"], "input", "Task")[0] == "map of any value"


def test_a_type_of_several_kinds_stands_on_one_page_and_is_linked_to(api: dict[str, str]) -> None:
    assert "\n## Task\n" in api["types"]
    assert not any("\n## Task\n" in text for name, text in api.items() if name != "types")
    assert "(types.md#condition)" in api["workflow"]
    assert "(workflow.md#spec)" in api["schedule"]


def test_every_link_between_the_pages_leads_to_a_heading() -> None:
    made = pages()
    for name, text in made.items():
        for file, anchor in re.findall(r"\]\((\w+\.md)?#([\w-]+)\)", text):
            target = made[file or name]
            headings = {h.lower() for h in re.findall(r"^##? (.+)$", target, re.MULTILINE)}
            assert anchor in headings, f"{name}: {file}#{anchor}"


def test_every_setting_has_a_row_with_its_meaning() -> None:
    text = settings_page()
    for field in dataclasses.fields(config.Config):
        assert f"| `{config.PREFIX}{field.name.upper()}` |" in text
        assert attribute_docs(config.Config)[field.name]


def test_a_setting_tells_its_range_or_its_words() -> None:
    text = settings_page()

    assert "| `SPECTRA_OPERATOR_LEASE_SECONDS` | `15` | 5 to 3600 |" in text
    assert "| `json`, `console` |" in text


def test_the_default_of_a_process_own_name_is_not_this_process() -> None:
    assert settings_page() == settings_page()
    assert config.Config().identity not in settings_page()


def test_every_command_and_every_option_stands_in_the_reference() -> None:
    text = commands_page()
    for path, command in commands(program, "kubectl spectra"):
        title = path.removeprefix("kubectl spectra ")
        part = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        assert f"```text\n{path}" in part
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert all(f"`{name}`" in part for name in option.opts), (path, option.opts)


def test_the_committed_pages_are_those_that_are_made() -> None:
    folder = ROOT / "docs" / "reference"
    for name, text in pages().items():
        assert (folder / name).read_text() == text, f"{name}: run `make generate`"


def test_the_index_names_every_page_beside_it() -> None:
    made = pages()

    assert all(f"]({name})" in made["index.md"] for name in made if name != "index.md")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | b", "a \\| b"),
        ("two\nlines", "two lines"),
        ("<name> and *", "\\<name> and \\*"),
        ("`a | <b>` and [c]", "`a \\| <b>` and \\[c\\]"),
    ],
)
def test_text_for_people_cannot_break_a_table(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_a_table_has_a_line_for_each_row() -> None:
    assert table(("A", "B"), [(code("x|y"), "")]) == "| A | B |\n|---|---|\n| `x\\|y` | |\n"


def test_the_site_is_configured_by_a_file_that_can_be_read() -> None:
    text = (ROOT / "mkdocs.yml").read_text()
    found = yaml.safe_load(re.sub(r"!!python/name:\S+", "name", text))

    assert found["docs_dir"] == "docs"
    assert {"Home", "Tutorial", "Reference", "Security"} <= {next(iter(e)) for e in found["nav"]}
