"""What is kept of ConfigMaps and Secrets: digests, where it is asked for, and nothing else."""

from __future__ import annotations

import json

from builders.contents import a_config_map, a_secret
from builders.specs import NAMESPACE
from spectra_operator.core.rollout.revision import ContentRef, digest
from spectra_operator.engine.content_book import ContentBook
from spectra_operator.engine.content_intake import only_digests

GREETING = ContentRef("ConfigMap", "given", "greeting")
TOKEN = ContentRef("Secret", "given", "token")


def a_book(*, current: bool = True) -> ContentBook:
    book = ContentBook([NAMESPACE])
    book.mark(NAMESPACE, current=current)
    return book


def test_only_the_namespaces_it_is_told_are_followed() -> None:
    book = a_book()
    assert book.follows(NAMESPACE)
    assert not book.follows("another")
    assert ContentBook().namespaces == ()


def test_what_is_referred_to_is_found_and_a_missing_key_is_left_out() -> None:
    book = a_book()
    book.put("ConfigMap", NAMESPACE, "given", {"greeting": "d1", "other": "d2"})

    assert book.of(NAMESPACE, [GREETING, TOKEN]) == {GREETING: "d1"}


def test_an_object_that_is_gone_holds_nothing() -> None:
    book = a_book()
    book.put("Secret", NAMESPACE, "given", {"token": "d1"})
    book.put("Secret", NAMESPACE, "given", {})

    assert book.of(NAMESPACE, [TOKEN]) == {}


def test_objects_of_the_same_name_in_other_namespaces_are_others() -> None:
    book = ContentBook([NAMESPACE, "another"])
    book.mark(NAMESPACE, current=True)
    book.put("Secret", "another", "given", {"token": "d1"})

    assert book.of(NAMESPACE, [TOKEN]) == {}
    assert book.of("another", [TOKEN]) is None


def test_nothing_is_said_of_content_while_it_may_be_behind() -> None:
    book = a_book(current=False)
    book.put("Secret", NAMESPACE, "given", {"token": "d1"})

    assert book.of(NAMESPACE, [TOKEN]) is None
    book.mark(NAMESPACE, current=True)
    assert book.of(NAMESPACE, [TOKEN]) == {TOKEN: "d1"}


def test_a_template_that_refers_to_nothing_waits_for_nothing() -> None:
    assert a_book(current=False).of(NAMESPACE, ()) == {}
    assert ContentBook().of("another", ()) == {}


def test_of_an_object_only_its_identity_and_digests_are_kept() -> None:
    meta = {"uid": "u1", "resourceVersion": "7", "annotations": {"copy": "a-hidden-word"}}
    whole = a_secret(token="a-hidden-word")
    whole["metadata"] |= meta | {"namespace": NAMESPACE}

    kept = only_digests(whole)

    assert kept == {
        "metadata": {
            "name": "given",
            "namespace": NAMESPACE,
            "uid": "u1",
            "resourceVersion": "7",
        },
        "digests": {"token": digest(whole["data"]["token"].encode())},
    }
    assert "a-hidden-word" not in json.dumps(kept)


def test_an_object_without_values_has_no_digests() -> None:
    body = a_config_map()
    body["metadata"] |= {"uid": "u1", "resourceVersion": "7", "namespace": NAMESPACE}

    assert only_digests(body | {"data": None, "binaryData": {"k": "aGk="}})["digests"] == {}
