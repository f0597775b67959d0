"""Small modules, small functions, and about a line of test for each line of source."""

from __future__ import annotations

import ast
import statistics

from .source import PACKAGE, TESTS, modules

MODULE_LINES = 400
FUNCTION_LINES = 60
MEDIAN_LINES = 150
TEST_SHARE = 0.9


def test_no_module_is_long() -> None:
    assert [f"{module.name}: {module.lines}" for module in modules() if module.lines > MODULE_LINES] == []


def test_modules_are_short_as_a_rule() -> None:
    assert statistics.median(module.lines for module in modules() if module.lines) <= MEDIAN_LINES


def test_no_function_is_long() -> None:
    wrong = []
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES:
                    wrong.append(f"{module.name} {node.name}: {lines}")

    assert wrong == []


def test_tests_are_about_as_long_as_what_they_test() -> None:
    source = sum(module.lines for module in modules(PACKAGE))
    tests = sum(module.lines for module in modules(TESTS))

    assert tests >= TEST_SHARE * source, f"{tests} lines of tests for {source} lines of source"
