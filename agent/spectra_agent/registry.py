"""Which function handles which task."""

from __future__ import annotations

from spectra_agent.errors import HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, TypeAlias, TypeVar, overload

    from spectra_agent.model import Result, Task

    Returned: TypeAlias = Mapping[str, Any] | Result | None
    Handler: TypeAlias = Callable[[Task], Returned | Awaitable[Returned]]
    H = TypeVar("H", bound=Handler)
else:

    def overload(_signature: object) -> None:
        """Nothing at run time: only the type checker reads overloads."""


_handlers: dict[str, Handler] = {}


@overload
def task(handler: H, /) -> H: ...  # noqa: D103


@overload
def task(name: str, /) -> Callable[[H], H]: ...  # noqa: D103, F811


def task(target: Any, /) -> Any:  # noqa: F811
    """Register the decorated function as the handler of a task.

    ``@task("cache-warm")`` names the task; a bare ``@task`` takes the function's name with
    ``_`` written as ``-``.

    Raises:
        HandlerError: The name has a handler already.
    """
    if isinstance(target, str):
        return lambda handler: _register(target, handler)
    return _register(target.__name__.replace("_", "-"), target)


def handlers() -> dict[str, Handler]:
    """A copy of what is registered in this process, by task name."""
    return dict(_handlers)


def find(name: str) -> Handler:
    """The handler for the task of that name, or the only one there is.

    Raises:
        HandlerError: None fits, or several could.
    """
    if name in _handlers:
        return _handlers[name]
    if len(_handlers) == 1:
        return next(iter(_handlers.values()))
    known = ", ".join(sorted(_handlers)) or "none"
    raise HandlerError(
        f"no handler for task {name!r} (registered: {known}); decorate one with @task({name!r})"
    )


def _register(name: str, handler: H) -> H:
    if name in _handlers:
        raise HandlerError(f"task {name!r} has two handlers; name one of them differently")
    _handlers[name] = handler
    return handler
