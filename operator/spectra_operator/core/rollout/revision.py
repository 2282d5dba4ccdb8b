"""What makes a revision: the template as written, and the content of what it refers to.

A changed ConfigMap or Secret is then a new revision, which is rolled out like a changed image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..names import revision_hash

_FIELDS = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
_ABSENT = "absent"


@dataclass(frozen=True, slots=True, order=True)
class ContentRef:
    """A key of a ConfigMap or Secret that a template refers to."""

    kind: str
    name: str
    key: str


def references(template: Mapping[str, Any]) -> tuple[ContentRef, ...]:
    """Return what a template as written refers to, in order; what is malformed counts as none."""
    found = set()
    env = template.get("env")
    for entry in env if isinstance(env, list) else ():
        source = entry.get("valueFrom") if isinstance(entry, Mapping) else None
        for field, kind in _FIELDS.items():
            chosen = source.get(field) if isinstance(source, Mapping) else None
            if isinstance(chosen, Mapping) and chosen.get("name") and chosen.get("key"):
                found.add(ContentRef(kind, str(chosen["name"]), str(chosen["key"])))
    return tuple(sorted(found))


def digest(content: bytes) -> str:
    """Return what stands for the content of one key.

    Keep it in memory: whoever can read the digest of a short Secret can guess the Secret.
    """
    return hashlib.sha256(content).hexdigest()


def revision_of(template: Mapping[str, Any], digests: Mapping[ContentRef, str]) -> str:
    """Return the hash of a template and of what it refers to.

    Other keys of the same objects make no new revision, nor does a template without references
    get another hash than by itself. A key without a digest counts as absent.
    """
    refs = references(template)
    if not refs:
        return revision_hash(template)
    contents = [[ref.kind, ref.name, ref.key, digests.get(ref, _ABSENT)] for ref in refs]
    return revision_hash({"template": template, "contents": contents})
