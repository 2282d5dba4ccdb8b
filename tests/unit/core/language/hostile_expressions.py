"""Run as a program, with little memory and time: expressions that are made to do harm.

Prints one line of JSON for each: the expression, what became of it, and the seconds it took.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Mapping
from typing import Any

from spectra_operator.core.language.expressions import ExpressionError, compile_expression

MEMORY = 1024 * 1024 * 1024
SECONDS = 120

VALUES: Mapping[str, Any] = {
    "parameters": {
        "text": "x" * 250_000,
        "numbers": list(range(10_000)),
        "texts": ["x" * 1_000] * 1_000,
        "deep": {"a": {"a": {"a": {"a": {"a": list(range(5_000))}}}}},
        "wide": {str(i): i for i in range(10_000)},
    },
    "tasks": {"a": {"outputs": [{"n": i, "s": "x" * 10} for i in range(10_000)]}},
}
_T, _N = "parameters.text", "parameters.numbers"
_INNER = f"{_N}.map(y, x)"

EXPRESSIONS = (
    "[1]" + ".map(x, x + x)" * 60,
    "['a']" + ".map(x, x + x + x + x)" * 40,
    "['a']" + ".map(x, [x, x, x, x])" * 40,
    "[[1]]" + ".map(x, x + x + x + x)" * 40,
    f"[{_T}]" + ".map(x, x + x)" * 60,
    "[1, 2, 3]" + ".map(x, {'a': x, 'b': x, 'c': x})" * 25,
    "+".join([_T] * 70),
    "+".join([_N] * 60),
    "[" + ",".join([_T] * 70) + "]",
    "[" + ",".join([_N] * 60) + "].map(x, x + x)",
    f"{_N}.map(x, {_T} + {_T})",
    f"{_N}.map(x, {_T})",
    f"{_N}.all(x, {_T} + 'a' != {_T})",
    f"{_N}.all(x, ({_T} + {_T}).size() > 0)",
    f"{_N}.map(x, {_N}.map(y, y))",
    f"{_N}.all(x, {_N}.all(y, y >= 0))",
    f"{_N}.exists(x, {_N}.exists(y, x + y < 0))",
    f"{_N}.filter(x, {_N}.filter(y, y == x) != [])",
    f"{_N}.map(x, {_INNER}).map(x, {_INNER})",
    f"{_N}.all(x, x in {_N})",
    f"{_N}.all(x, {_N} == {_N})",
    "parameters.texts.map(x, parameters.texts.map(y, x + y))",
    "parameters.texts.map(x, parameters.texts)",
    "parameters.texts.all(x, parameters.texts.exists(y, y > x))",
    f"{_N}.all(x, parameters.deep.a.a.a.a.a[4999] > x)",
    "parameters.wide.map(k, parameters.wide)",
    "parameters.wide.all(k, parameters.wide.all(l, k != l))",
    "tasks.a.outputs.map(x, x.n).map(x, x + 1).map(x, x * 2).sum()",
    "tasks.a.outputs.map(x, tasks.a.outputs)",
    "json(parameters) + json(parameters) + json(parameters)",
    "json(json(json(json(parameters.texts))))",
    "parameters.texts.map(x, json(parameters.texts))",
    f"split({_T}, 'x').map(x, split({_T}, 'x'))",
    f"split({_T}, 'x') + split({_T}, 'x') + split({_T}, 'x')",
    f"join({_N}.map(x, string(x)), {_T})",
    f"join(split({_T}, 'x'), {_T})",
    "join(parameters.texts, 'y').split('x').map(x, parameters.texts)",
    f"{_T}.matches('(x+x+)+y')",
    f"{_T}.matches('(x|x)*y')",
    f"{_T}.matches('^(([a-z])+.)+[A-Z]([a-z])+$')",
    f"{_T}.matches('(.*.*.*.*.*){{40}}y')",
    f"{_N}.all(x, {_T}.matches('(a|b|x)*y') || true)",
    "matches('x', '((((a{99}){99}){99}){99}){99}')",
    f"{_N}.all(x, matches(string(x), string(x) + '{{1000}}') || true)",
    "(" * 500 + "1" + ")" * 500,
    "[" * 500 + "]" * 500,
    "{1:" * 250 + "1" + "}" * 250,
    "-" * 1_000 + "1",
    "!" * 1_000 + "true",
    "!-" * 500 + "1",
    "a" + ".a" * 500,
    "parameters.deep" + "[0]" * 300,
    "parameters.deep + 1" + ".a" * 490,
    "true ? " * 140 + "1",
    "true ? 1 : " * 90 + "1",
    "1 == " * 200 + "1",
    "1 in " * 190 + "[1]",
    "size(" * 200 + "[]" + ")" * 200,
    "[]" + ".size()" * 140,
    "has(" * 200 + "a" + ")" * 200,
    "[[1]].all(a, a.all(b, [b].all(c, [c].all(d, true))))",
    "9223372036854775807 * 9223372036854775807",
    "-9223372036854775808 / -1 + -9223372036854775808 % -1",
    "0x" + "f" * 1_000,
    "1" * 1_000,
    "1e" + "9" * 500,
    "'\\U00110000'",
    "'\\x'",
    '"' * 999,
    "'''" * 333,
    "\x00\x01\x02",
    "\u202e1 + 1",
    "duration('99999999999999999999h')",
    "timestamp('9999-12-31T23:59:59Z') + duration('9000000h')",
    "timestamp('0001-01-01T00:00:00Z') - duration('24h')",
    "timestamp('2024-13-45T99:99:99Z')",
    "__import__('os').system('id')",
    "parameters.__class__.__mro__",
    "[].__class__",
    "_m0()",
    "_f_has(parameters, [])",
    "cel.bind(x, 1, x)",
    "optional.of(optional.of(1))",
    "x" * 2_000,
    "1" + "\n" * 1_000 + "+ 1",
)


def outcome(source: str) -> str:
    """Return `refused: ...` or `gives: ...`."""
    try:
        result = compile_expression(source).evaluate(VALUES)
    except ExpressionError as error:
        return f"refused: {error}"
    return f"gives: {json.dumps(result)[:60]}"


def main() -> None:
    """Evaluate all of them within the limits."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    for source in EXPRESSIONS:
        start = time.process_time()
        found = outcome(source)
        seconds = time.process_time() - start
        sys.stdout.write(json.dumps([source[:60], found, seconds]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
