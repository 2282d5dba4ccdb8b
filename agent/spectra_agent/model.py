"""What a task receives and what it hands back.

Plain classes with slots: ``dataclasses`` and ``typing`` would cost each task more start-up
time than the whole SDK.
"""

from __future__ import annotations

from spectra_agent.errors import InputError, ResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, NoReturn, Protocol

    class Attachment(Protocol):
        """What connects a task with the operator while it runs."""

        @property
        def checkpoint_before(self) -> Any: ...  # noqa: D102

        @property
        def cancelled(self) -> bool: ...  # noqa: D102

        def progress(self, percent: float | None, message: str | None) -> None: ...  # noqa: D102

        def checkpoint(self, value: Any) -> None: ...  # noqa: D102


class _Frozen:
    """Refuses assignment after construction; compares and prints by its public slots."""

    __slots__: tuple[str, ...] = ()

    def _fill(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _names(self) -> list[str]:
        return [name for name in self.__slots__ if not name.startswith("_")]

    def _values(self) -> list[Any]:
        return [getattr(self, name) for name in self._names()]

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} is read-only")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} is read-only")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]  # outputs and input are mutable

    def __repr__(self) -> str:
        pairs = zip(self._names(), self._values(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"


class Task(_Frozen):
    """One attempt of one task item, as the operator described it.

    Attributes:
        workflow: The workflow's name; empty for a phase that stands alone.
        phase: The phase's name in the workflow.
        name: The task's name; it picks the handler.
        index: The item of a fan-out, from 0; 0 for a task that is not one.
        attempt: The number of this try, from 1.
        key: An idempotency key, the same for every attempt of this item.
        replay: Whether the task was done before, and is done again to try a new revision of the
            agent. What comes of it is compared, and used by nobody.
        traceparent: The span that the task's own spans belong under, as the header of W3C Trace
            Context; empty while the operator traces nothing. If OpenTelemetry is installed where
            the task runs, it is the current context of the handler already.
        input: The task's input, with its references already replaced by values.

    What is said with `progress` and `checkpoint` reaches the operator in mode Pool, and in mode
    Pod if the agent has `checkpoints: true`. Otherwise both do nothing, so that a handler can be
    the same everywhere.
    """

    __slots__ = (
        "_attached",
        "attempt",
        "index",
        "input",
        "key",
        "name",
        "phase",
        "replay",
        "traceparent",
        "workflow",
    )

    workflow: str
    phase: str
    name: str
    index: int
    attempt: int
    key: str
    replay: bool
    traceparent: str
    input: dict[str, Any]
    _attached: Attachment | None

    def __init__(  # noqa: PLR0913  # a record's fields
        self,
        name: str = "",
        input: Mapping[str, Any] | None = None,  # noqa: A002  # the contract's own word
        *,
        workflow: str = "",
        phase: str = "",
        index: int = 0,
        attempt: int = 1,
        key: str = "",
        replay: bool = False,
        traceparent: str = "",
        attached: Attachment | None = None,
    ) -> None:
        self._fill(name=name, input=dict(input or {}), workflow=workflow, phase=phase)
        self._fill(index=index, attempt=attempt, key=key, replay=replay, _attached=attached)
        self._fill(traceparent=traceparent)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Task:
        """Read the task from ``SPECTRA_*`` variables; what is missing takes its default.

        Raises:
            InputError: A number is not one, SPECTRA_INPUT is not a JSON object, or a value in it
                lies in the workspace and cannot be read.
        """
        return cls(
            env.get("SPECTRA_TASK", ""),
            _input(env.get("SPECTRA_INPUT", ""), env),
            workflow=env.get("SPECTRA_WORKFLOW", ""),
            phase=env.get("SPECTRA_PHASE", ""),
            index=_number(env, "SPECTRA_INDEX", 0),
            attempt=_number(env, "SPECTRA_ATTEMPT", 1),
            key=env.get("SPECTRA_KEY", ""),
            replay=env.get("SPECTRA_REPLAY", "") == "true",
            traceparent=env.get("TRACEPARENT", ""),
            attached=_attachment(env),
        )

    def progress(self, percent: float | None = None, message: str | None = None) -> None:
        """Say how far the work is; what is left out stays as it was said before.

        Args:
            percent: 0 to 100; what lies outside counts as the nearer of both.
            message: One line for people, of which 200 characters are kept.

        Raises:
            TypeError: `percent` is not a number.
        """
        if self._attached is not None:
            self._attached.progress(percent, message)

    def checkpoint(self, value: Any) -> None:
        """Leave something that the next attempt finds in `checkpoint_before`; the last one counts.

        It is sent within seconds, and before a failure is reported.

        Args:
            value: What JSON can say, at most 4,096 bytes of it, but not None.

        Raises:
            CheckpointError: It is something else.
        """
        if self._attached is not None:
            self._attached.checkpoint(value)

    @property
    def checkpoint_before(self) -> Any:
        """The last checkpoint of the attempts before this one; None if they left none."""
        return None if self._attached is None else self._attached.checkpoint_before

    @property
    def cancelled(self) -> bool:
        """True once nobody wants this attempt's result any more: a good time to return."""
        return self._attached is not None and self._attached.cancelled


class Usage(_Frozen):
    """What an attempt consumed.

    Attributes:
        input_tokens: Tokens read by a model.
        output_tokens: Tokens written by a model.
        cost: A decimal number as text (``"0.0123"``), so that sums stay exact.
    """

    __slots__ = ("cost", "input_tokens", "output_tokens")

    input_tokens: int
    output_tokens: int
    cost: str

    def __init__(self, input_tokens: int = 0, output_tokens: int = 0, cost: str = "0") -> None:
        if not _is_decimal(cost):
            raise ResultError(
                f"usage.cost must be a decimal number as text, such as '0.0123', not {cost!r}"
            )
        self._fill(input_tokens=input_tokens, output_tokens=output_tokens, cost=cost)

    def document(self) -> dict[str, Any]:
        """The contract's form of it."""
        return {
            "inputTokens": self.input_tokens,
            "outputTokens": self.output_tokens,
            "cost": self.cost,
        }


class Result(_Frozen):
    """What a handler returns when outputs alone do not say it all.

    Attributes:
        outputs: A JSON object that later tasks may refer to.
        usage: What the attempt consumed, if it is known.
        message: One line for people, shown in the task's status.
        spawn: Tasks to be run, as a workflow writes them; for a task with `planner`.
    """

    __slots__ = ("message", "outputs", "spawn", "usage")

    outputs: dict[str, Any]
    usage: Usage | None
    message: str
    spawn: list[Any]

    def __init__(
        self,
        outputs: Mapping[str, Any] | None = None,
        usage: Usage | None = None,
        message: str = "",
        spawn: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._fill(outputs=dict(outputs or {}), usage=usage, message=message, spawn=list(spawn))


def _attachment(env: Mapping[str, str]) -> Attachment | None:
    if not (env.get("SPECTRA_CLAIM") or env.get("SPECTRA_CHECKPOINT")):
        return None
    from spectra_agent import attached  # noqa: PLC0415  # only where there is something to say

    return attached.attach(env)


def _number(env: Mapping[str, str], variable: str, default: int) -> int:
    text = env.get(variable, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise InputError(f"{variable} must be a whole number, not {text!r}")
    return int(text)


def _input(text: str, env: Mapping[str, str]) -> dict[str, Any]:
    if not text:
        return {}
    import json  # noqa: PLC0415  # here, so that a task without input does not pay for it

    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(f"SPECTRA_INPUT is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"SPECTRA_INPUT must be a JSON object, not {type(value).__name__}")
    if "$workspace" not in text:
        return value
    from spectra_agent import workspace  # noqa: PLC0415  # only for inputs that lie there

    resolved: dict[str, Any] = workspace.resolve(value, env)
    return resolved


def _is_decimal(text: object) -> bool:
    if not isinstance(text, str):
        return False
    whole, _, fraction = text.partition(".")
    return text.isascii() and whole.isdigit() and (fraction.isdigit() or "." not in text)
