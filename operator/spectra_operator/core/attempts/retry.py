"""Whether and when the next attempt may start: rules, and pauses with deterministic jitter."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from ...api.common import Backoff, RetryPolicy, RetryRule
from ..language.expressions import SMALL_COST, ExpressionError, compile_expression, condition
from ..language.references import RETRY_ROOTS
from .evidence import Attempt, Outcome


def refusal(policy: RetryPolicy, attempt: Attempt, outcome: Outcome, failures: int) -> str:
    """Return why a rule allows no further attempt after this failure, or nothing.

    `failures` counts this one. A rule whose condition cannot be evaluated does not fit.
    """
    for place, rule in enumerate(policy.rules):
        if not _fits(rule, attempt, outcome, failures):
            continue
        return f"retry.rules[{place}] says Fail" if rule.action == "Fail" else ""
    return ""


def not_before(backoff: Backoff, ended: datetime, tries: int, key: str) -> datetime:
    """Return when the attempt after the `tries`-th unsuccessful one may start.

    The pause is initialSeconds * factor^(tries-1), at most maxSeconds, less a share of at most
    jitterPercent that depends on `key` and `tries` alone, so that every replica and every restart
    computes the same instant.
    """
    exponent = min(tries - 1, 64)
    pause = min(float(backoff.initial_seconds) * backoff.factor**exponent, backoff.max_seconds)
    spread = backoff.jitter_percent / 100
    return ended + timedelta(seconds=pause * (1 - spread + spread * jitter(f"{key}/{tries}")))


def jitter(key: str) -> float:
    """Return a number in [0, 1) that depends on the key alone."""
    digest = hashlib.sha256(key.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _fits(rule: RetryRule, attempt: Attempt, outcome: Outcome, failures: int) -> bool:
    if rule.exit_codes is not None and outcome.exit_code not in rule.exit_codes:
        return False
    if rule.reasons is not None and outcome.reason not in rule.reasons:
        return False
    if rule.when is None:
        return True
    try:
        expression = compile_expression(rule.when, RETRY_ROOTS)
        facts = _facts(attempt, outcome, failures)
        return condition(expression, {"attempt": facts}, SMALL_COST)
    except ExpressionError:
        return False


def _facts(attempt: Attempt, outcome: Outcome, failures: int) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "failures": failures,
        "exitCode": outcome.exit_code,
        "reason": outcome.reason,
        "message": outcome.message,
        "outputs": json.loads(outcome.result.outputs or "{}"),
    }
