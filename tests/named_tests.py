"""Finds a test by its name, for documents that name the tests which hold what they say."""

import ast
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def assert_test_exists(path: str, name: str) -> None:
    """Fails unless the module `path`, relative to the checkout, has the test `name`, such as `TestPlayer::test_plays`."""
    body: list[ast.stmt] = ast.parse((CHECKOUT / path).read_text(encoding="utf-8")).body
    for part in name.split("::"):
        found = [
            node
            for node in body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == part
        ]
        assert found, f"{path} has no {part}"
        body = found[0].body
