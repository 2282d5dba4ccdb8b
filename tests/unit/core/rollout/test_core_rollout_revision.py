"""What makes a revision: the template as written and the content that it refers to."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.core.names import revision_hash
from spectra_operator.core.rollout.revision import ContentRef, digest, references, revision_of

TOKEN = ContentRef("Secret", "llm", "token")
CODEC = ContentRef("ConfigMap", "settings", "codec")


def a_template(**fields: Any) -> dict[str, Any]:
    """Return a template that refers to a key of a Secret and one of a ConfigMap."""
    secret = {"secretKeyRef": {"name": "llm", "key": "token"}}
    config = {"configMapKeyRef": {"name": "settings", "key": "codec"}}
    env = [
        {"name": "TOKEN", "valueFrom": secret},
        {"name": "CODEC", "valueFrom": config},
        {"name": "PLAIN", "value": "x"},
    ]
    return {"image": "worker:1", "env": env} | fields


KNOWN = {TOKEN: digest(b"t"), CODEC: digest(b"zstd")}


def test_references_are_the_keys_that_the_environment_names() -> None:
    assert references(a_template()) == (CODEC, TOKEN)


def test_a_template_without_references_has_the_hash_that_it_always_had() -> None:
    template = {"image": "worker:1"}

    assert revision_of(template, KNOWN) == revision_hash(template)


@pytest.mark.parametrize(
    "digests",
    [{**KNOWN, CODEC: digest(b"lzma")}, {**KNOWN, TOKEN: digest(b"u")}, {TOKEN: KNOWN[TOKEN]}, {}],
)
def test_changed_or_missing_content_makes_another_revision(digests: dict[ContentRef, str]) -> None:
    assert revision_of(a_template(), digests) != revision_of(a_template(), KNOWN)


def test_content_that_is_not_referred_to_makes_none() -> None:
    more = {**KNOWN, ContentRef("ConfigMap", "settings", "other"): digest(b"y")}

    assert revision_of(a_template(), more) == revision_of(a_template(), KNOWN)


def test_the_order_of_what_is_known_does_not_matter() -> None:
    assert revision_of(a_template(), dict(reversed(KNOWN.items()))) == revision_of(
        a_template(), KNOWN
    )


@pytest.mark.parametrize(
    "env",
    [
        None,
        "text",
        [7],
        [{"valueFrom": 3}],
        [{"valueFrom": {"secretKeyRef": "llm"}}],
        [{"valueFrom": {"secretKeyRef": {"name": "llm"}}}],
    ],
)
def test_malformed_references_are_none(env: Any) -> None:
    assert references(a_template(env=env)) == ()
