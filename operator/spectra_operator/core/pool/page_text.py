"""A page as annotations of a Lease: one for each claim, and one for each phase that they are of.

A page is written whole, some twenty times a second, and each of its bytes costs the API server and
etcd: so nothing stands there twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from ...api.constants import ANNOTATION_EPOCH, CLAIM_PREFIX, ENDING_PREFIX, OF_PHASE_PREFIX
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
    return {ANNOTATION_EPOCH: str(page.epoch)} | render_phases(page) | render_entries(page)


def render_phases(page: Page) -> dict[str, str]:
    """Return the annotations that say of which phases the entries of a page are."""
    of = {claim.phase_uid: claim for claim in _all_claims(page)}
    return {
        f"{OF_PHASE_PREFIX}{uid}": _text({"name": claim.phase, "workflow": claim.workflow_uid})
        for uid, claim in of.items()
    }


def render_entries(page: Page) -> dict[str, str]:
    """Return an annotation for each claim and each ending of a page."""
    claims = {f"{CLAIM_PREFIX}{id_}": _text(_claim(c)) for id_, c in page.claims.items()}
    endings = {f"{ENDING_PREFIX}{id_}": _text(_ending(e)) for id_, e in page.endings.items()}
    return claims | endings


def _all_claims(page: Page) -> list[Claim]:
    return [*page.claims.values(), *(ending.claim for ending in page.endings.values())]


def size_of(annotations: Annotations) -> int:
    """Return how many bytes annotations take, as Kubernetes counts them against 256 KiB."""
    return sum(len(key) + len(text.encode()) for key, text in annotations.items())


def is_larger(page: Page, most: int) -> bool:
    """Whether a page takes more than so many bytes; one that surely does not is not rendered."""
    claims = _all_claims(page)
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
    phases = {
        key.removeprefix(OF_PHASE_PREFIX): text
        for key, text in annotations.items()
        if key.startswith(OF_PHASE_PREFIX)
    }
    claims: dict[str, Claim] = {}
    endings: dict[str, Ending] = {}
    for key, text in annotations.items():
        try:
            if key.startswith(CLAIM_PREFIX):
                id_ = key.removeprefix(CLAIM_PREFIX)
                claims[id_] = _read_claim(id_, json.loads(text), phases)
            elif key.startswith(ENDING_PREFIX):
                id_ = key.removeprefix(ENDING_PREFIX)
                endings[id_] = _read_ending(id_, json.loads(text), phases)
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
        "phase": claim.phase_uid,
        "task": claim.task,
        "index": claim.index,
        "attempt": claim.number,
        "epoch": claim.epoch,
        "at": _when(claim.at),
        **_said(texts),
    }


def _said(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _read_claim(id_: str, found: Mapping[str, Any], phases: Mapping[str, str]) -> Claim:
    uid = str(found["phase"])
    of = json.loads(phases[uid])
    return Claim(
        id=id_,
        phase=str(of["name"]),
        phase_uid=uid,
        task=str(found["task"]),
        index=int(found["index"]),
        number=int(found["attempt"]),
        epoch=int(found["epoch"]),
        instance=str(found.get("instance", "")),
        at=_instant(found["at"]),
        workflow_uid=str(of["workflow"]),
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
        "at": _when(end.at),
        "kind": str(end.kind),
        **_said(texts),
    }
    if end.stopped_at:
        document["stoppedAt"] = _when(end.stopped_at)
    return document


def _read_ending(id_: str, found: Mapping[str, Any], phases: Mapping[str, str]) -> Ending:
    claim, stopped = _read_claim(id_, found["claim"], phases), found.get("stoppedAt")
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


def _when(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at
