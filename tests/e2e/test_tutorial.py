"""The tutorial, typed as it stands on a fresh cluster; then the pages that go on from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from builders.cluster import LocalCluster
from builders.document_pages import SUCCEEDING, TYPED
from builders.documents import DOCS, Command, blocks, commands
from builders.shell import a_shell

CLEAN_UP = "7. Clean up"
NAME = "--name tutorial"
SECONDS = 900


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    """A cluster that does not exist yet, in place of the one that the other tests share."""
    name = f"{LocalCluster().name}-t"[-20:].strip("-")
    found = LocalCluster(name)
    found.down()
    yield found
    found.down()


def steps(page: str) -> list[tuple[str, list[Command]]]:
    """Return the commands of a page by their headings, in order."""
    found = [b for b in blocks(DOCS / f"{page}.md") if b.language == "console" and not b.note]
    return [(block.heading, list(commands(block))) for block in found]


@pytest.mark.alone
@pytest.mark.timeout(SECONDS, func_only=True)
async def test_a_stranger_comes_from_nothing_to_a_watched_rolled_back_and_autoscaled_run(
    cluster: LocalCluster,
) -> None:
    rename = (NAME, f"--name {cluster.name}")
    tutorial = steps("tutorial")
    before = [step for heading, block in tutorial if heading != CLEAN_UP for step in block]
    after = [step for heading, block in tutorial if heading == CLEAN_UP for step in block]
    assert len(before) > 20
    assert after

    async with a_shell() as shell:
        await shell.follow(before, rename)
        for page in TYPED:
            await shell.follow([step for _, block in steps(page) for step in block], rename)
        for page in SUCCEEDING:
            await shell.succeed([step for _, block in steps(page) for step in block])
        await shell.follow(after, rename)
