"""The wrong manifests under tests/corpus, and those that are too large to keep in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "corpus" / "bad"
WANTS = "# wants:"
OFFLINE = "# offline only:"

HEAD = "apiVersion: spectra.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n"
PHASES = "  phases: [{{name: work, tasks: [{{name: a, agent: idle, {fields}}}]}}]\n"


@dataclass(frozen=True, slots=True)
class Bad:
    """A wrong manifest.

    Attributes:
        name: Of its file, without the ending.
        content: What is in the file.
        field: The field that must be named; empty for what is no object yet.
        says: Part of the message.
        offline: Whether only the linter sees what is wrong.
    """

    name: str
    content: bytes
    field: str
    says: str
    offline: bool = False


def committed() -> list[Bad]:
    """Return every wrong manifest that is kept in a file."""
    return [_read(path) for path in sorted(FOLDER.glob("*.yaml"))]


def hostile() -> Iterator[Bad]:
    """Yield manifests that nobody writes by hand, made here because of their size."""
    ten_megabytes = "x" * 10_000_000
    yield _task("ten-megabytes", f'input: {{v: "{ten_megabytes}"}}', "", "split the file")
    yield _task("one-megabyte", f'input: {{v: "{"x" * 1_000_000}"}}', "spec", "split the")
    items = ", ".join(["0"] * 10_001)
    field = "spec.phases[work].tasks[a]"
    yield _task("10001-items", f"forEach: [{items}]", f"{field}.forEach", "at most 10000 work")
    depth = 120
    deep = "[" * depth + "]" * depth
    yield _task("deep", f"input: {{v: {deep}}}", "spec", "make its values flatter")
    bottomless = "[" * 20_000 + "]" * 20_000
    yield _task("bottomless", f"input: {{v: {bottomless}}}", "", "make it flatter")
    tasks = ", ".join(f"{{name: t{n}, agent: idle}}" for n in range(1_025))
    body = HEAD.format(kind="Phase", name="bad-1025-tasks") + f"  tasks: [{tasks}]\n"
    yield Bad("1025-tasks", body.encode(), "spec.tasks", "at most 1024 work")
    chain = ", ".join(
        f"{{name: t{n}, agent: idle, dependsOn: [t{(n + 1) % 1_000}]}}" for n in range(1_000)
    )
    body = HEAD.format(kind="Phase", name="bad-long-cycle") + f"  tasks: [{chain}]\n"
    yield Bad("long-cycle", body.encode(), "spec.tasks[t0].dependsOn", "wait for each other")
    yield _task("nul", 'when: "a\\0b"', f"{field}.when", "")
    content = HEAD.format(kind="Workflow", name="bad-utf8").encode() + b"  description: \xff\xfe\n"
    yield Bad("not-utf-8", content, "", "save the file as UTF-8")
    many = "".join(f"  p{n}: 1\n" for n in range(10_000))
    body = HEAD.format(kind="Workflow", name="bad-many-fields") + many
    yield Bad("ten-thousand-unknown-fields", body.encode(), "spec.p0", "there is no such field")


def _task(name: str, fields: str, field: str, says: str) -> Bad:
    body = HEAD.format(kind="Workflow", name=f"bad-{name}") + PHASES.format(fields=fields)
    return Bad(name, body.encode(), field, says)


def _read(path: Path) -> Bad:
    content = path.read_bytes()
    first, second, *_ = content.decode().splitlines()
    field, _, says = first.removeprefix(WANTS).partition("|")
    return Bad(path.stem, content, field.strip(), says.strip(), second.startswith(OFFLINE))
