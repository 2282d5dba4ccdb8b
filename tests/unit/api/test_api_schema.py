"""From a pydantic model to a structural schema."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from spectra_operator.api.common import AnyValue, ApiModel
from spectra_operator.api.schema import structural_schema


class Color(StrEnum):
    """A color."""

    RED = "Red"
    BLUE = "Blue"


class Inner(ApiModel):
    """A thing
    inside."""

    deep_value: Annotated[int, Field(ge=1)] | None = None
    """How deep."""


class Outer(ApiModel):
    """A thing."""

    first_one: Inner
    """The first."""
    others: Annotated[list[Inner], Field(max_length=3)] = Field(default_factory=list)
    """The
    rest."""
    color: Color = Color.RED
    """The color."""
    kind: Literal["only"] = "only"
    """The kind."""
    labels: Annotated[dict[str, str], Field(max_length=2)] | None = None
    """The labels."""
    anything: AnyValue = None
    """Anything."""


class Torn(ApiModel):
    """A thing that is one of two."""

    value: int | str
    """Either."""


SCHEMA = structural_schema(Outer)


def test_names_are_camel_case_and_what_has_no_default_is_required() -> None:
    assert set(SCHEMA["properties"]) == {
        "firstOne",
        "others",
        "color",
        "kind",
        "labels",
        "anything",
    }
    assert SCHEMA["required"] == ["firstOne"]


def test_references_are_put_in_place_and_keep_the_field_s_own_description() -> None:
    first = SCHEMA["properties"]["firstOne"]
    assert (first["type"], first["description"]) == ("object", "The first.")
    assert first["properties"]["deepValue"] == {
        "type": "integer",
        "minimum": 1,
        "description": "How deep.",
    }


def test_lists_and_maps_keep_their_bounds_and_elements() -> None:
    others, labels = SCHEMA["properties"]["others"], SCHEMA["properties"]["labels"]
    assert (others["type"], others["maxItems"]) == ("array", 3)
    assert others["items"]["description"] == "A thing inside."
    assert labels == {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "maxProperties": 2,
        "description": "The labels.",
    }


def test_closed_words_become_enums() -> None:
    assert SCHEMA["properties"]["color"]["enum"] == ["Red", "Blue"]
    assert SCHEMA["properties"]["kind"]["enum"] == ["only"]


def test_a_value_of_any_kind_is_kept_as_it_is() -> None:
    assert SCHEMA["properties"]["anything"] == {
        "x-kubernetes-preserve-unknown-fields": True,
        "description": "Anything.",
    }


def test_descriptions_are_one_line() -> None:
    assert SCHEMA["properties"]["others"]["description"] == "The rest."


def test_defaults_are_not_written_into_objects() -> None:
    assert "default" not in repr(SCHEMA)


def test_a_union_is_refused_because_kubernetes_knows_none() -> None:
    with pytest.raises(ValueError, match="no unions"):
        structural_schema(Torn)


def test_models_take_both_spellings_ignore_what_they_do_not_know_and_cannot_be_changed() -> None:
    body: dict[str, Any] = {"firstOne": {"deepValue": 3}, "unknown": 1}
    model = Outer.model_validate(body)
    assert model == Outer(first_one=Inner(deep_value=3))
    with pytest.raises(ValueError, match="frozen"):
        model.color = Color.BLUE  # type: ignore[misc]
