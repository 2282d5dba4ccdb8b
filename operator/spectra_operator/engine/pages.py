"""Pages as Leases: bodies, versions, and what a Lease says of a worker that is not known."""

from __future__ import annotations

from collections.abc import Mapping

from ..api import constants as c
from ..core.attempts.objects import owner
from ..core.pool.page import Page, V
from ..core.pool.page_text import parse_page, render_entries, render_page, render_phases
from ..kube.resources import LEASES, Body, uid_of, version_of
from .keys import Key
from .parts import Parts
from .worker_book import WorkerBook, WorkerRun

NOBODYS_FIELDS: list[Body] = [{}]
"""Has the API server forget who set which field of a page, and not begin again: that costs at every
write, for what nobody applies and nobody else writes."""


def page_body(parts: Parts, key: Key, run: WorkerRun, page: Page) -> Body:
    """Return the whole Lease of a page; a patch would cost the API server more."""
    now = parts.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": run.instance or key.name, "renewTime": now}
    if run.lease is not None:
        return replacement(run.lease, spec, run.page, page)
    agent = parts.store.get(Key("Agent", key.namespace, run.agent))
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "labels": {
                c.MANAGED_BY: c.MANAGER,
                c.LABEL_WORKER: "true",
                c.LABEL_AGENT: run.agent,
                c.LABEL_REVISION: run.revision,
            },
            "annotations": render_page(page),
            "finalizers": [c.RESULT_FINALIZER],
            "ownerReferences": [owner("Agent", run.agent, uid_of(agent))] if agent else [],
        },
        "spec": spec,
    }


def replacement(lease: Body, spec: Body, before: Page, after: Page) -> Body:
    """Return a Lease with another page; what others wrote on it stays."""
    meta = lease["metadata"]
    gone, come = render_entries(news(after, before)), render_entries(news(before, after))
    notes = {
        key: text
        for key, text in (meta.get("annotations") or {}).items()
        if key not in gone and not key.startswith(c.OF_PHASE_PREFIX)
    }
    notes |= come | render_phases(after) | {c.ANNOTATION_EPOCH: str(after.epoch)}
    meta = meta | {"annotations": notes, "managedFields": NOBODYS_FIELDS}
    return lease | {"metadata": meta, "spec": (lease.get("spec") or {}) | spec}


def news(before: Page, after: Page) -> Page:
    """Return the entries of a page that did not stand on another one; unchanged ones are shared."""
    return Page(after.epoch, _new(before.claims, after.claims), _new(before.endings, after.endings))


def _new(before: Mapping[str, V], after: Mapping[str, V]) -> Mapping[str, V]:
    return {id_: entry for id_, entry in after.items() if before.get(id_) is not entry}


def page_of(body: Body) -> Page:
    """Return the page that a Lease holds."""
    return parse_page(body["metadata"].get("annotations") or {})


def is_newer(run: WorkerRun, body: Body) -> bool:
    """Whether a Lease says something that is not known yet."""
    known = run.lease
    return known is None or version_of(body) > version_of(known) or uid_of(body) != uid_of(known)


def known_by_lease(workers: WorkerBook, key: Key, body: Body) -> WorkerRun:
    """Return a worker of which only the Lease is known; its pod may be gone."""
    labels = body["metadata"].get("labels") or {}
    return workers.add(key, labels.get(c.LABEL_AGENT, ""), labels.get(c.LABEL_REVISION, ""))
