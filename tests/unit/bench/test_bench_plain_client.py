"""The plain client's process: Ctrl-C on the terminal is not for it."""

from __future__ import annotations

import os
import sys

from bench.raw_limit import PlainClient

TELLS = "import os; print(os.getsid(0), flush=True); input()"


async def test_the_plain_client_is_out_of_the_terminals_reach_and_ends_when_told() -> None:
    client = await PlainClient.started([sys.executable, "-c", TELLS])
    try:
        session = (await client.line()).strip()
    finally:
        await client.stop()

    assert int(session) != os.getsid(0)
    assert client.has_ended
