"""A page as annotations of a Lease: one for each claim, so that a write carries what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from ...api.constants import ANNOTATION_EPOCH, CLAIM_PREFIX, ENDING_PREFIX
from ..attempts.evidence import Kind
from .page import Claim, End, Ending, Page

Annotations = Mapping[str, str]

_BESIDE_TEXTS = 1536
"""An entry has fewer bytes than this, key included, beside its checkpoint, selection, document and
message."""
_LONGEST_LETTER = 6
"""Bytes of a character in JSON, at most: a control character becomes \\u001f."""


def render_page(page: Page) -> dict[str, str]:
    """Return a page as annotations; the same page always gives the same ones."""
    epoch = {ANNOTATION_EPOCH: str(page.epoch)}
    claims = {f"{CLAIM_PREFIX}{id_}": _text(_claim(c)) for id_, c in page.claims.items()}
    endings = {f"{ENDING_PREFIX}{id_}": _text(_ending(e)) for id_, e in page.endings.items()}
    return epoch | claims | endings


def changed(before: Annotations, after: Annotations) -> dict[str, str | None]:
    """Return the merge patch that turns annotations of one page into those of another."""
    gone: dict[str, str | None] = {key: None for key in before if key not in after}
    return gone | {key: text for key, text in after.items() if before.get(key) != text}


def size_of(annotations: Annotations) -> int:
    """Return how many bytes annotations take, as Kubernetes counts them against 256 KiB."""
    return sum(len(key) + len(text.encode()) for key, text in annotations.items())


def is_larger(page: Page, most: int) -> bool:
    """Whether a page takes more than so many bytes; one that surely does not is not rendered."""
    claims = [*page.claims.values(), *(ending.claim for ending in page.endings.values())]
    texts = [text for claim in claims for text in (claim.checkpoint, claim.selection)]
    for ending in page.endings.values():
        texts += (ending.end.document, ending.end.message)
    if len(claims) * _BESIDE_TEXTS + _LONGEST_LETTER * sum(map(len, texts)) <= most:
        return False
    return size_of(render_page(page)) > most


def parse_page(annotations: Annotations) -> Page:
    """Return the page that annotations hold.

    An entry that somebody has spoilt counts for nothing: its attempt is then lost, as that of a
    pod which somebody deleted.
    """
    claims: dict[str, Claim] = {}
    endings: dict[str, Ending] = {}
    for key, text in annotations.items():
        try:
            if key.startswith(CLAIM_PREFIX):
                id_ = key.removeprefix(CLAIM_PREFIX)
                claims[id_] = _read_claim(id_, json.loads(text))
            elif key.startswith(ENDING_PREFIX):
                id_ = key.removeprefix(ENDING_PREFIX)
                endings[id_] = _read_ending(id_, json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    epoch = annotations.get(ANNOTATION_EPOCH, "")
    return Page(
        epoch=int(epoch) if epoch.isdecimal() and len(epoch) < 10 else 1,
        claims=MappingProxyType({k: v for k, v in claims.items() if k not in endings}),
        endings=MappingProxyType(endings),
    )


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _claim(claim: Claim) -> dict[str, Any]:
    """Return a claim as an entry has it; its id is in the entry's key."""
    texts = {
        "instance": claim.instance,
        "checkpoint": claim.checkpoint,
        "selection": claim.selection,
    }
    return {
        "phase": claim.phase,
        "uid": claim.phase_uid,
        "task": claim.task,
        "index": claim.index,
        "attempt": claim.number,
        "epoch": claim.epoch,
        "at": claim.at.isoformat(),
        "workflow": claim.workflow_uid,
        **_said(texts),
    }


def _said(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _read_claim(id_: str, found: Mapping[str, Any]) -> Claim:
    return Claim(
        id=id_,
        phase=str(found["phase"]),
        phase_uid=str(found["uid"]),
        task=str(found["task"]),
        index=int(found["index"]),
        number=int(found["attempt"]),
        epoch=int(found["epoch"]),
        instance=str(found.get("instance", "")),
        at=_instant(found["at"]),
        workflow_uid=str(found["workflow"]),
        checkpoint=str(found.get("checkpoint", "")),
        selection=str(found.get("selection", ""))[:256],
    )


def _ending(ending: Ending) -> dict[str, Any]:
    end = ending.end
    texts = {
        "reason": end.reason,
        "message": end.message,
        "document": end.document,
        "digest": end.digest,
    }
    document = {
        "claim": _claim(ending.claim),
        "at": end.at.isoformat(),
        "kind": str(end.kind),
        **_said(texts),
    }
    if end.stopped_at:
        document["stoppedAt"] = end.stopped_at.isoformat()
    return document


def _read_ending(id_: str, found: Mapping[str, Any]) -> Ending:
    claim, stopped = _read_claim(id_, found["claim"]), found.get("stoppedAt")
    end = End(
        id=id_,
        at=_instant(found["at"]),
        kind=Kind(found["kind"]),
        reason=str(found.get("reason", "")),
        message=str(found.get("message", "")),
        document=str(found.get("document", "")),
        digest=str(found.get("digest", "")),
        stopped_at=_instant(stopped) if stopped else None,
    )
    return Ending(claim, end)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at
