"""CEL rules that the API server checks by itself, each with what it then says."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

Rule = tuple[str, str]
"""A CEL expression that must be true, and `field: what to do` for when it is not."""


def checked(*rules: Rule) -> ConfigDict:
    """Return a model's configuration with rules.

    Fields that keep any value (AnyValue) cannot be seen by a rule, nor maps and lists of them.
    A rule's cost counts as often as its model may stand in an object, and the API server refuses
    a CRD whose rules may cost too much.
    """
    extra: dict[str, Any] = {"x-kubernetes-validations": written(rules)}
    return ConfigDict(json_schema_extra=extra)


def written(rules: tuple[Rule, ...]) -> list[dict[str, str]]:
    """Return rules as a schema has them."""
    return [{"rule": rule, "message": message} for rule, message in rules]


def refused_change(field: str, kind: str) -> str:
    """Return what is said to whoever changes a field of a spec that stays as it was applied."""
    return f"{field}: cannot be changed once applied; delete the {kind} and apply it anew"


def label_name(who: str) -> Rule:
    """Return the rule that an object's name is one that others can name it by."""
    return (
        "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",
        f"metadata.name: at most 63 characters of a-z, 0-9 and -, as {who} name it",
    )


def only_in_pool(name: str) -> Rule:
    """Return the rule that a field of an agent stands only where there are workers."""
    return (
        f"!has(self.{name}) || (has(self.mode) && self.mode == 'Pool')",
        f"{name}: is for mode Pool; leave it out or set mode: Pool",
    )
