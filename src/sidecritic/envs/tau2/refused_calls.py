"""Calls that never reach the benchmark's package, and why.

The package evaluates the expression of `calculate` as Python within this process, and lets
the power operator through: `9**9**9**9` would stop every episode, not only its own.
"""

import ast
from collections.abc import Mapping
from typing import Any

from sidecritic.envs.tau2.package import Domain

LONGEST = 1000
"""Characters of an expression; the longest of 347 in recorded runs has 216."""

LARGEST_EXPONENT = 100

_LEGAL = frozenset("0123456789+-*/(). ")


def refusal(domain: Domain, tool: str, arguments: Mapping[str, Any] | None) -> str | None:
    """Return why a call of `tool` is not run, `None` if it is the package's to answer."""
    if arguments is None:
        return "the arguments are not a JSON object"
    if tool != "calculate" or all(spec.name != tool for spec in domain.tools):
        return None
    expression = arguments.get("expression")
    return _objection(expression) if isinstance(expression, str) else None


def _objection(expression: str) -> str | None:
    if not _LEGAL.issuperset(expression):
        # The package refuses it in its own words, unevaluated.
        return None
    if len(expression) > LONGEST:
        return f"Expression too long: {len(expression)} characters, at most {LONGEST}"
    if "**" not in expression:
        return None
    try:
        tree = ast.parse(expression.lstrip(" "), mode="eval")
    except SyntaxError:
        # The package meets the same error, and has its own words for it.
        return None
    except (MemoryError, RecursionError):
        return "Expression nested too deeply"
    if all(_is_bounded(node) for node in ast.walk(tree)):
        return None
    return f"Exponents must be plain numbers up to {LARGEST_EXPONENT}, and powers not nested"


def _is_bounded(node: ast.AST) -> bool:
    """Whether a node, if a power, has at most `LARGEST_EXPONENT` times the digits of its base."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Pow):
        return True
    exponent = node.right
    while isinstance(exponent, ast.UnaryOp):
        exponent = exponent.operand
    return (
        isinstance(exponent, ast.Constant)
        and isinstance(exponent.value, int | float)
        and exponent.value <= LARGEST_EXPONENT
        and not any(_is_power(part) for part in ast.walk(node.left))
    )


def _is_power(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
