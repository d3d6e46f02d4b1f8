"""The package's own imports, beyond the layers that import-linter checks."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import sidecritic

ROOT = Path(sidecritic.__file__).parent
MODULES = {
    ".".join(("sidecritic", *file.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): file
    for file in ROOT.rglob("*.py")
}


def nodes(file: Path) -> Iterator[ast.AST]:
    """Yield the syntax nodes of a file.

    An entry point, the `__init__` of a package, may load what lies in the package when called.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return iter(tree.body) if file.name == "__init__.py" else ast.walk(tree)


def imported_by(file: Path) -> set[str]:
    """Return the modules of the package that a file imports, in functions as well."""
    named: set[str] = set()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            named |= inner or {node.module}
    return named & MODULES.keys()


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {name: imported_by(file) for name, file in MODULES.items()}
    TopologicalSorter(graph).prepare()  # CycleError names the circle
