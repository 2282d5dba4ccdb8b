"""How large every object ever was while a test looked."""

from __future__ import annotations

import json
from collections import Counter

from e2e.harness.following import Follower
from spectra_operator.kube.resources import Body

Sizes = Counter[tuple[str, str]]


class Largest:
    """The most bytes that each object, and its status alone, had at any time, by kind and name."""

    def __init__(self, follower: Follower, *kinds: str) -> None:
        self.objects: Sizes = Counter()
        self.statuses: Sizes = Counter()
        for kind in kinds:
            for body in follower.all(kind):
                self._look("ADDED", body, 0.0)
            follower.listen(kind, self._look)

    def __str__(self) -> str:
        return ", ".join(
            f"{kind} at most {self._most(self.objects, kind):,} bytes,"
            f" its status {self._most(self.statuses, kind):,}"
            for kind in sorted({kind for kind, _ in self.objects})
        )

    def _look(self, _: str, body: Body, __: float) -> None:
        key = (body["kind"], body["metadata"]["name"])
        self.objects[key] = max(self.objects[key], size_of(body))
        self.statuses[key] = max(self.statuses[key], size_of(body.get("status") or {}))

    @staticmethod
    def _most(sizes: Sizes, kind: str) -> int:
        return max(size for (found, _), size in sizes.items() if found == kind)


def size_of(value: object) -> int:
    """Return the bytes of a value as the API server stores it, compact and unescaped."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
