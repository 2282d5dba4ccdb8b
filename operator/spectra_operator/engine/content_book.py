"""What is known of the content of ConfigMaps and Secrets: a digest of each key, in memory alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..core.rollout.revision import ContentRef

Digests = Mapping[str, str]
"""The digest of each key of one object."""
Contents = Mapping[ContentRef, str]
"""The digests of what a template refers to; a key that does not exist has none."""


class ContentBook:
    """Digests in the namespaces whose content is part of revisions; the others are not read."""

    def __init__(self, namespaces: Iterable[str] = ()) -> None:
        self._current = dict.fromkeys(namespaces, False)
        self._digests: dict[tuple[str, str, str], Digests] = {}

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Namespaces whose content is followed."""
        return tuple(self._current)

    def follows(self, namespace: str) -> bool:
        """Whether the content of a namespace is part of the revisions of its agents."""
        return namespace in self._current

    def put(self, kind: str, namespace: str, name: str, digests: Digests) -> None:
        """Keep what an object holds now; nothing for one that is gone."""
        if digests:
            self._digests[kind, namespace, name] = digests
        else:
            self._digests.pop((kind, namespace, name), None)

    def mark(self, namespace: str, *, current: bool) -> None:
        """Note whether what is kept of a namespace was brought up to now."""
        self._current[namespace] = current

    def of(self, namespace: str, refs: Iterable[ContentRef]) -> Contents | None:
        """Return the digests of what is referred to; None while nobody knows what they are."""
        found = {}
        for ref in refs:
            if not self._current.get(namespace):
                return None
            digests = self._digests.get((ref.kind, namespace, ref.name), {})
            if ref.key in digests:
                found[ref] = digests[ref.key]
        return found
