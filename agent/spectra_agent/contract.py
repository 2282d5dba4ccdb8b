"""The result document and the file it is handed back in."""

# ruff: noqa: PTH110, PTH123 -- pathlib would cost every task's start-up
from __future__ import annotations

import os

from spectra_agent.errors import ResultError
from spectra_agent.model import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_BYTES = 4000
"""The most that a result document may hold; Kubernetes cuts a termination message at 4,096."""

MESSAGE_LIMIT = 1000
"""The most characters of a message that are kept, so that one never displaces the outputs."""

MESSAGE_BYTES = 3000
"""The most bytes of JSON that a message may take, so that it always fits by itself."""

DEFAULT_PATH = "/dev/termination-log"
"""Where Kubernetes looks for a container's termination message."""


def encode(result: Result, env: Mapping[str, str] | None = None) -> bytes:
    """The result as the contract's JSON document.

    Outputs that do not fit go to the workspace, if `env` names one, and references take their
    place.

    Raises:
        ResultError: It is not JSON, or larger than the limit. Nothing is ever cut off, for
            half a document is no document.
        OSError: The workspace cannot be written to.
    """
    from spectra_agent import workspace  # noqa: PLC0415  # here, so that importing costs nothing

    document: dict[str, object] = {}
    if result.outputs:
        document["outputs"] = result.outputs
    if result.usage is not None:
        document["usage"] = result.usage.document()
    if result.message:
        document["message"] = shorten(result.message)
    if result.spawn:
        document["spawn"] = result.spawn
    data = workspace.encoded(document)
    size = len(data)
    mounted = bool(env and env.get(workspace.VARIABLE))
    if size > LIMIT_BYTES and env and mounted:
        document["outputs"] = workspace.store(result.outputs, size - LIMIT_BYTES, env)
        data = workspace.encoded(document)
    if len(data) > LIMIT_BYTES:
        raise ResultError(f"the result is {size:,} bytes of JSON, {_advice(mounted=mounted)}")
    return data


def _advice(*, mounted: bool) -> str:
    if mounted:
        return (
            f"the limit is {LIMIT_BYTES:,}, and so many small outputs stay above it with the "
            "large ones in the workspace; return fewer, or join them into one"
        )
    return (
        f"the limit is {LIMIT_BYTES:,}; return less, or let the task mount a workspace "
        "('workspace: {}'): large outputs are then stored there"
    )


def shorten(message: str) -> str:
    """The message, without its middle when it is longer than the limits."""
    from spectra_agent import workspace  # noqa: PLC0415  # as in encode

    safe = message.encode(errors="replace").decode()
    short, limit = safe, MESSAGE_LIMIT
    while len(short) > limit or len(workspace.encoded(short)) > MESSAGE_BYTES:
        half = (min(limit, len(short) * 3 // 4) - 3) // 2
        short = f"{safe[:half]}...{safe[-half:]}"
    return short


def write(result: Result, env: Mapping[str, str]) -> None:
    """Write the document where the operator will find it.

    That is the file named by SPECTRA_RESULT_PATH, else the pod's termination message. Outside
    a pod, where neither is there, it goes to standard output.

    Raises:
        ResultError: The document is refused (see :func:`encode`).
        OSError: The file or the workspace cannot be written.
    """
    data = encode(result, env)
    path = env.get("SPECTRA_RESULT_PATH") or _termination_log()
    if path is None:
        print(data.decode())  # noqa: T201  # a person runs the file by hand
        return
    with open(path, "wb") as file:
        file.write(data)


def _termination_log() -> str | None:
    return DEFAULT_PATH if os.path.exists(DEFAULT_PATH) else None
