"""Bodies of calls, right and wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from spectra_operator.dispatch.models import Said, parsed
from spectra_operator.dispatch.refusal import Refusal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def raw(body: Any) -> bytes:
    """Return a body as it is sent."""
    return json.dumps(body).encode()


def refusal(model: type[Said], body: Any) -> Refusal:
    """Return why a body is refused; bytes are sent as they are."""
    with pytest.raises(Refusal) as caught:
        parsed(model, body if isinstance(body, bytes) else raw(body))
    return caught.value


def status_of(call: Callable[[], object]) -> int:
    """Return how a call is answered; anything but a refusal goes through."""
    try:
        call()
    except Refusal as told:
        return told.status
    return 200
