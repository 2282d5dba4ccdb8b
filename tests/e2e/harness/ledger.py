"""Every claim that workers were given, and every end, as their pages told while they stood there.

A worker is answered only after its page was written, and each write is an event of the watch: so
nobody was given anything that does not stand here.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from spectra_operator.api import constants as c
from spectra_operator.kube.resources import Body


@dataclass(frozen=True, slots=True)
class Given:
    """A claim: an item of a task of a phase (its UID), which attempt, and the worker's revision."""

    phase: str
    task: str
    index: int
    attempt: int
    revision: str


@dataclass
class Ledger:
    """Claims by id, in the order in which they were seen, and the ids of those that succeeded."""

    claims: dict[str, Given] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def lease_event(self, event: str, body: Body, _at: float) -> None:
        """Take in a page as it is now."""
        meta = body["metadata"]
        revision = (meta.get("labels") or {}).get(c.LABEL_REVISION)
        if event == "DELETED" or not revision:
            return
        for name, text in (meta.get("annotations") or {}).items():
            if name.startswith(c.CLAIM_PREFIX):
                self._given(name.removeprefix(c.CLAIM_PREFIX), json.loads(text), revision)
            elif name.startswith(c.ENDING_PREFIX):
                id_, ending = name.removeprefix(c.ENDING_PREFIX), json.loads(text)
                self._given(id_, ending["claim"], revision)
                self.ends[id_] = ending["kind"]

    def by_revision(self) -> Counter[str]:
        """Return how many claims each revision was given."""
        return Counter(given.revision for given in self.claims.values())

    def succeeded(self) -> Counter[tuple[str, str, int]]:
        """Return how often each item has succeeded."""
        good = [id_ for id_, kind in self.ends.items() if kind == "Succeeded"]
        return Counter((g.phase, g.task, g.index) for g in map(self.claims.__getitem__, good))

    def _given(self, id_: str, claim: Body, revision: str) -> None:
        if id_ in self.claims:
            return
        given = Given(claim["phase"], claim["task"], claim["index"], claim["attempt"], revision)
        item = (given.phase, given.task, given.index)
        if self.succeeded()[item]:
            self.broken.append(f"{item} was given again after it had succeeded: {given}")
        self.claims[id_] = given
