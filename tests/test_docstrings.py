"""What the docstring of a public function says: something; shapes and dtypes of arrays; the errors that it raises.

Read from the source, so that a function that lacks one is named before a reader misses it.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for room in ("pipeline", "store") for path in (ROOT / room).rglob("*.py"))
"""The command line is left out: the docstring of a command is its help page."""
ARRAYS = {"Array", "NDArray", "ndarray", "Floats", "Bits", "Indices64"}
DTYPE = re.compile(r"\b(u?int\d+|intp|float(32|64)?|bool|dtype|type|precision|numbers)\b")
TOLD_ELSEWHERE = {"SystemExit", "KeyboardInterrupt", "AssertionError", "NotImplementedError", "FloatingPointError"}
"""Exceptions that end a command, or that the function catches itself."""


def public_functions(path):
    """(name, node) of the functions and methods of a file that others may call."""
    pending = [("", node) for node in ast.parse(path.read_text()).body]
    while pending:
        owner, node = pending.pop(0)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            inherits = bool(node.bases)  # a method that overrides another may have its docstring
            pending += [
                (f"{node.name}.", child)
                for child in node.body
                if isinstance(child, ast.FunctionDef) and not (inherits and not ast.get_docstring(child))
            ]
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield owner + node.name, node


def names_in(node):
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} | {
        each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)
    }


def annotations(node):
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [each.annotation for each in every if each.annotation] + ([node.returns] if node.returns else [])


def raised(node):
    """Names of the exceptions that the body raises itself, those of functions inside it left out."""
    found, pending = set(), [*node.body]
    while pending:
        each = pending.pop()
        if isinstance(each, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(each, ast.Raise) and isinstance(each.exc, ast.Call) and isinstance(each.exc.func, ast.Name):
            found.add(each.exc.func.id)
        pending.extend(ast.iter_child_nodes(each))
    return {name for name in found if name[0].isupper()} - TOLD_ELSEWHERE


def promised(path):
    """The methods that a protocol of a file documents: whoever keeps to it need not say the same again."""
    for owner in ast.walk(ast.parse(path.read_text())):
        if isinstance(owner, ast.ClassDef) and any(getattr(base, "id", "") == "Protocol" for base in owner.bases):
            yield from (
                each.name for each in owner.body if isinstance(each, ast.FunctionDef) and ast.get_docstring(each)
            )


PROMISED = {name for path in FILES for name in promised(path)}
FUNCTIONS = [(path, name, node) for path in FILES for name, node in public_functions(path)]


def missing(kind):
    for path, name, node in FUNCTIONS:
        text = ast.get_docstring(node) or ""
        where = f"{path.relative_to(ROOT)}:{node.lineno} {name}"
        if kind == "text":
            if len(text.split()) < 3 and not ("." in name and name.rpartition(".")[2] in PROMISED):
                yield where
        elif kind == "shape":
            has_array = any(names_in(each) & ARRAYS for each in annotations(node))
            if has_array and not (re.search(r"\[[^\]]+\]", text) and DTYPE.search(text)):
                yield where
        elif untold := {one for one in raised(node) if one not in text}:
            yield f"{where}: {', '.join(sorted(untold))}"


@pytest.mark.parametrize("kind", ["text", "shape", "raises"])
def test_public_functions_say(kind):
    assert not list(missing(kind))


def test_there_are_public_functions_of_every_kind():
    assert len(FUNCTIONS) > 500
    assert sum(any(names_in(each) & ARRAYS for each in annotations(node)) for _, _, node in FUNCTIONS) > 50
    assert sum(bool(raised(node)) for _, _, node in FUNCTIONS) > 50
