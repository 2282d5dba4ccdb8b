"""Which items of a wide fan-out are open and which of them run, kept as sets beside the items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...api.phase import TaskState
from .. import indexes

if TYPE_CHECKING:
    from .records import Item


@dataclass(frozen=True, slots=True)
class OpenMasks:
    """Which of some open items there are, and which of them run; `items` is what it is true of."""

    items: Mapping[int, Item]
    all: int
    running: int

    @classmethod
    def of(cls, items: Mapping[int, Item]) -> OpenMasks:
        """Look at every item."""
        running = (i for i, item in items.items() if item.state is TaskState.RUNNING)
        return cls(items, indexes.of(items), indexes.of(running))

    def after(self, items: Mapping[int, Item], index: int) -> OpenMasks:
        """Return the masks of items that differ in one."""
        item, bit = items.get(index), 1 << index
        runs = item is not None and item.state is TaskState.RUNNING
        return OpenMasks(
            items,
            self.all | bit if item else self.all & ~bit,
            self.running | bit if runs else self.running & ~bit,
        )

    def less(self, items: Mapping[int, Item], gone: int) -> OpenMasks:
        """Return the masks of items without some."""
        return OpenMasks(items, self.all & ~gone, self.running & ~gone)
