"""The boards' stand-in modules claim nothing that MicroPython on the ESP32 does not have."""

import ast
import importlib.metadata
from pathlib import Path

import pytest

from stoep_twin.boards import STAND_INS

_ROOT = Path(__file__).resolve().parents[2]
_MODULES = ("machine", "esp32", "espnow", "network", "time")
# Python's own protocol, and what a stand-in needs for itself.
_OWN = {"__init__", "__new__", "__call__", "ioctl"}
_HELPERS = {("network", "announce"), ("network", "Radio")}


def _stub(module: str) -> ast.Module:
    place = _ROOT / "build" / "typings" / f"{module}.pyi"
    if not place.exists():
        try:
            files = importlib.metadata.files("micropython-esp32-stubs") or []
        except importlib.metadata.PackageNotFoundError:
            files = []
        found = [file for file in files if str(file) == f"{module}.pyi"]
        if not found:
            pytest.fail("no stubs of MicroPython: `make lint` fetches them into build/typings")
        place = Path(str(found[0].locate()))
    return ast.parse(place.read_text(encoding="utf-8"))


def _names(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    found: dict[str, list[ast.stmt]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.setdefault(node.target.id, []).append(node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found.setdefault(alias.asname or alias.name, []).append(node)
        elif isinstance(node, ast.If):
            for name, nodes in _names(node.body).items():
                found.setdefault(name, []).extend(nodes)
    return found


def _public(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    return {name: nodes for name, nodes in _names(body).items() if not name.startswith("_")}


def _parameters(function: ast.FunctionDef) -> tuple[list[str], set[str], bool, bool]:
    of = function.args
    positional = [a.arg for a in (*of.posonlyargs, *of.args) if a.arg not in ("self", "cls")]
    return positional, {a.arg for a in of.kwonlyargs}, of.vararg is not None, of.kwarg is not None


def _fits(ours: ast.FunctionDef, theirs: list[ast.stmt]) -> list[str]:
    positional, keywords, _, _ = _parameters(ours)
    variants = [_parameters(stub) for stub in theirs if isinstance(stub, ast.FunctionDef)]
    if not variants:
        return ["is no function there"]
    complaints = []
    longest = max(float("inf") if var else len(names) for names, _, var, _ in variants)
    if len(positional) > longest:
        complaints.append(f"takes {len(positional)} positional arguments, there at most {longest}")
    known = {name for names, kw, _, _ in variants for name in (*names, *kw)}
    if not any(kwarg for *_, kwarg in variants):
        complaints += [f"has no keyword {name}" for name in sorted(keywords - known)]
    return complaints


def _value(nodes: list[ast.stmt]) -> object:
    node = nodes[0]
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return value.value if isinstance(value, ast.Constant) else None


def _class(where: str, ours: ast.ClassDef, theirs: ast.ClassDef, module: ast.Module) -> list[str]:
    stub = _names(theirs.body)
    for base in theirs.bases:
        if isinstance(base, ast.Name) and base.id in _names(module.body):
            for parent in _names(module.body)[base.id]:
                if isinstance(parent, ast.ClassDef):
                    for name, nodes in _names(parent.body).items():
                        stub.setdefault(name, nodes)
    complaints = []
    for name, nodes in _public(ours.body).items():
        if name in _OWN and name not in stub:
            continue
        if name not in stub:
            complaints.append(f"{where}.{name} is unknown")
        elif isinstance(nodes[0], ast.FunctionDef):
            complaints += [f"{where}.{name} {text}" for text in _fits(nodes[0], stub[name])]
        elif isinstance(_value(stub[name]), int) and _value(nodes) != _value(stub[name]):
            complaints.append(f"{where}.{name} is {_value(nodes)}, there {_value(stub[name])}")
    start = [node for node in ours.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    if start and "__init__" in stub:
        complaints += [f"{where}() {text}" for text in _fits(start[0], stub["__init__"])]
    return complaints


@pytest.mark.parametrize("module", _MODULES)
def test_every_public_name_and_parameter_is_in_the_stubs(module: str) -> None:
    stub = _stub(module)
    there = _names(stub.body)
    complaints = []
    for name, nodes in _public(ast.parse((STAND_INS / f"{module}.py").read_text()).body).items():
        ours = nodes[0]
        if (module, name) in _HELPERS or (isinstance(ours, ast.ImportFrom) and name not in there):
            continue
        if name not in there:
            if not (isinstance(ours, ast.Import)):
                complaints.append(f"{module}.{name} is unknown")
        elif isinstance(ours, ast.ClassDef):
            of = [node for node in there[name] if isinstance(node, ast.ClassDef)]
            complaints += (
                _class(f"{module}.{name}", ours, of[0], stub) if of else [f"{module}.{name} is no class there"]
            )
        elif isinstance(ours, ast.FunctionDef):
            complaints += [f"{module}.{name} {text}" for text in _fits(ours, there[name])]
        elif isinstance(_value(there[name]), int) and _value(nodes) != _value(there[name]):
            complaints.append(f"{module}.{name} is {_value(nodes)}, there {_value(there[name])}")
    assert complaints == []


def test_the_checker_finds_what_is_not_there() -> None:
    stub = _stub("machine")
    theirs = next(node for node in stub.body if isinstance(node, ast.ClassDef) and node.name == "WDT")
    ours = ast.parse(
        "class WDT:\n def feed(self, much): ...\n def stop(self): ...\n def __init__(self, *, hours=1): ..."
    )
    found = _class("machine.WDT", ours.body[0], theirs, stub)  # type: ignore[arg-type]
    assert len(found) == 3
