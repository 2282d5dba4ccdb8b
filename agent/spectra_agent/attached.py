"""What connects the task of a pod with the operator: loads the means when a handler asks for them.

The operator may be away, and the pod may have no way to it: then nothing is said, and the task
does not notice.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from spectra_agent.pool.pulse import Pulse

LAST_SECONDS = 2.0
"""How long the last checkpoint may take on its way when the process ends badly."""


class Attached:
    """See `model.Attachment`."""

    __slots__ = ("_env", "_pulse")

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._pulse: Pulse | None = None

    @property
    def checkpoint_before(self) -> Any:
        """What the attempts before left; None for nothing."""
        import json  # noqa: PLC0415  # only for tasks that go on from something

        try:
            return json.loads(self._env.get("SPECTRA_CHECKPOINT") or "null")
        except ValueError:
            return None

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants the result any more."""
        pulse = self._connected()
        if pulse is None:
            return False
        pulse.start()
        return pulse.held.cancelled

    def progress(self, percent: float | None, message: str | None) -> None:
        """See `Task.progress`."""
        pulse = self._connected()
        if pulse is not None:
            pulse.held.progress(percent, message)
            pulse.start()

    def checkpoint(self, value: Any) -> None:
        """See `Task.checkpoint`."""
        pulse = self._connected()
        if pulse is not None:
            pulse.held.checkpoint(value)
            pulse.start()

    def tell_the_rest(self) -> None:
        """Wait a little until the operator has got the last checkpoint; it may never get it."""
        if self._pulse is not None:
            self._pulse.flush(LAST_SECONDS)

    def _connected(self) -> Pulse | None:
        if self._pulse is None and self._env.get("SPECTRA_CLAIM"):
            from spectra_agent.pool.pulse import connect  # noqa: PLC0415  # loads much

            self._pulse = connect(self._env)
        return self._pulse


current: list[Attached] = []
"""What this process's task says; whoever ends the process lets it have the last word."""


def attach(env: Mapping[str, str]) -> Attached:
    """The connection of the task that an environment describes."""
    current[:] = [Attached(env)]
    return current[0]


def tell_the_rest() -> None:
    """Let this process's task have the last word; never takes long, and never fails."""
    for attached in current:
        attached.tell_the_rest()
