"""Manifests in the documents, as a real API server with our kinds and policies sees them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.document_pages import FOLLOWED
from builders.documents import DOCS, ROOT, Command, blocks, commands, documents
from builders.shell import Shell, a_shell
from e2e.harness.play import Play
from e2e.harness.plugin import environment

CUT_SHORT = "{...}"
NO_OBJECTS = {"Kustomization"}
"""Kinds that only a program reads."""


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every whole manifest of the documents, with its place."""
    for path in documents():
        for block in blocks(path):
            if block.language != "yaml" or CUT_SHORT in block.text or block.note:
                continue
            for body in yaml.safe_load_all(block.text):
                whole = isinstance(body, dict) and "apiVersion" in body
                if whole and body["kind"] not in NO_OBJECTS:
                    yield block.place, body


async def test_the_api_server_takes_every_manifest_of_the_documents(play: Play) -> None:
    bodies = []
    for number, (_, body) in enumerate(manifests()):
        # Pages show the same object again and again; each is to be judged as a new one.
        meta = {**body["metadata"], "name": f"m{number}"}
        meta.pop("generateName", None)
        if body["kind"] == "Action":
            continue  # its actor is who asks, which is somebody else on each cluster
        bodies.append({**body, "metadata": meta})
    assert len(bodies) > 15

    said = await play.kubectl(
        "create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump_all(bodies)
    )

    assert said.count("(server dry run)") == len(bodies)


def steps(page: str) -> list[Command]:
    """Return the commands of a page, but those that say that they are not to be run."""
    return [
        command
        for block in blocks(DOCS / f"{page}.md")
        if block.language in ("console", "") and not block.note
        for command in commands(block)
        if "jq" not in command.text or shutil.which("jq")
    ]


async def prepared(shell: Shell, folder: Path, source: str) -> None:
    """Apply what a page speaks of; of a page that is its first manifest."""
    path = ROOT / source
    if path.suffix == ".md":
        first = next(b for b in blocks(path) if b.language == "yaml" and "apiVersion" in b.text)
        path = folder / f"{path.stem}.yaml"
        path.write_text(first.text)
    await shell.succeed([Command(f"kubectl apply -f {path}", (), source)])


@pytest.mark.parametrize("page", FOLLOWED)
async def test_the_commands_of_a_page_succeed(play: Play, page: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    shutil.copy(play.cluster.kubeconfig, kubeconfig)
    names = f"--current --namespace {play.namespace}"

    async with a_shell(environment(kubeconfig, play.cluster.kubectl_path)) as shell:
        await shell.succeed([Command(f"kubectl config set-context {names}", (), page)])
        for source in FOLLOWED[page]:
            await prepared(shell, tmp_path, source)
        await shell.succeed(steps(page))
