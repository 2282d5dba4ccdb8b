"""Everything the SDK itself raises."""

from __future__ import annotations


class AgentError(Exception):
    """The base of every error of the SDK; its text says what to do about it."""


class InputError(AgentError):
    """The task's environment does not follow the contract (such as input that is not JSON)."""


class HandlerError(AgentError):
    """No handler, or more than one, fits the task."""


class ResultError(AgentError):
    """The handler's result cannot be reported: wrong type, not JSON, or too large."""


class CheckpointError(AgentError):
    """What the handler wants to leave as a checkpoint is None, not JSON, or too large."""
