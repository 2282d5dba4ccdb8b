"""Manifests in the documents, as a real API server with our kinds and policies sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from builders.documents import blocks, documents
from e2e.harness.play import Play

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
    assert len(bodies) > 20

    said = await play.kubectl(
        "create", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump_all(bodies)
    )

    assert said.count("(server dry run)") == len(bodies)
