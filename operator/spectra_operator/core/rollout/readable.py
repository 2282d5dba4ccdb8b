"""What can be read of a status that another version wrote, or somebody's hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ...api.rollout import RolloutStatus


def readable(document: Any) -> RolloutStatus:
    """Return a status without the fields, and the entries of lists, that cannot be read.

    A newer version may have written a value that this one does not know. If the stable revision
    were forgotten for that, the one under way would be taken as proven.
    """
    if not isinstance(document, Mapping):
        return RolloutStatus()
    try:
        return RolloutStatus.model_validate(document)
    except ValidationError as error:
        unread = {tuple(each["loc"][:2]) for each in error.errors()}
    known = {
        name: [each for number, each in enumerate(value) if (name, number) not in unread]
        if isinstance(value, list)
        else value
        for name, value in document.items()
        if (name,) not in unread
    }
    try:
        return RolloutStatus.model_validate(known)
    except ValidationError:
        return RolloutStatus()
