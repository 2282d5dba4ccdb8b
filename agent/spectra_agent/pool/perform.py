"""Do what a claim asks for: call the handler, and make a result of whatever becomes of it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any

from spectra_agent import contract, workspace
from spectra_agent.model import Result, Task
from spectra_agent.pool.held import Held
from spectra_agent.runner import as_result
from spectra_agent.tracing import Continued

if TYPE_CHECKING:
    from spectra_agent.pool.loop import Loop
    from spectra_agent.registry import Handler

REASON_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended: whether it was done, why not (one word), and its result document."""

    succeeded: bool
    reason: str
    document: Mapping[str, Any]


def perform(
    held: Held,
    find: Callable[[str], Handler],
    loop: Callable[[], Loop],
    env: Mapping[str, str],
) -> Outcome:
    """Call the handler of the claim's task; never raises.

    Args:
        held: The claim.
        find: Gives the handler for a task's name.
        loop: Gives the event loop, if the handler turns out to be async.
        env: The worker's environment; says where a workspace is, if there is one.
    """
    env = {**env, **_names(held)}
    try:
        with Continued(held.claim.traceparent):
            returned: Any = find(held.claim.task)(_task(held, env))
            if iscoroutine(returned):
                returned = loop().run(returned, held)
        document = contract.encode(as_result(returned), env)
    except BaseException as error:  # noqa: BLE001, RUF100  # a slot outlives what its task does
        return failure(error)
    return Outcome(True, "", json.loads(document))


def failure(error: BaseException) -> Outcome:
    """The outcome of a task whose handler raised this; the traceback goes to standard error."""
    traceback.print_exception(error)
    name = type(error).__name__
    try:
        text = str(error) or name
    except Exception:  # the error is the user's own class
        text = name
    document = json.loads(contract.encode(Result(message=text)))
    return Outcome(False, _word(name), document)


def _word(name: str) -> str:
    """A class's name as a reason: ASCII letters, digits and `_`, a letter first."""
    kept = "".join(found for found in name if found.isascii() and (found.isalnum() or found == "_"))
    return kept.lstrip("0123456789_")[:REASON_CHARACTERS] or "Error"


def _task(held: Held, env: Mapping[str, str]) -> Task:
    claim = held.claim
    return Task(
        claim.task,
        workspace.resolve(dict(claim.input), env),
        workflow=claim.workflow,
        phase=claim.phase,
        index=claim.index,
        attempt=claim.attempt,
        key=claim.key,
        replay=claim.replay,
        traceparent=claim.traceparent,
        attached=held,
    )


def _names(held: Held) -> dict[str, str]:
    """What the workspace's files are named by."""
    claim = held.claim
    return {
        "SPECTRA_KEY": claim.key,
        "SPECTRA_TASK": claim.task,
        "SPECTRA_ATTEMPT": str(claim.attempt),
    }
