"""The rules of the house that a machine can check. Each rule finds the fault that is planted for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Final

import pytest

CHECKOUT: Final = Path(__file__).parent.parent
ROOMS: Final = ("mesh", "appliance", "webui", "provisioning", "systemd", "tests", ".ci")
SHIPPED: Final = ("mesh", "appliance", "webui", "provisioning")

MODULE_LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 70

# At the top of a process one broad `except` may turn a surprise into a line in the log and an exit code.
PROCESS_TOPS: Final = ()
EVERYTHING: Final = {"Exception", "BaseException"}
COMMAND_LINE: Final = "appliance/cli"
DRAWERS: Final = {"util", "utils", "helper", "helpers", "common", "manager", "data", "info", "base", "misc"}
MADE_HERE: Final = {".git", "bench-results.json"}

WAYS_OUT: Final = r"(skip|skipif|skipTest|skipIf|skipUnless|xfail|importorskip|SkipTest)"
WAY_OUT_OF_A_TEST: Final = re.compile(rf"(pytest|mark|unittest|self)\.(.+\.)?{WAYS_OUT}")
PLACE_ON_A_MACHINE: Final = re.compile(r"(file://|(?<![\w./-]))/(work|farm|home)/[\w.]")
OUTSIDE: Final = re.compile(
    r"""(\b(src|srcset|href|action|formaction|poster|data|cite)\s*=\s*["']?\s*"""
    r"""|url\(\s*["']?|@import\s+["'])(https?:)?//""",
    re.IGNORECASE,
)
NOTE_TO_ONESELF: Final = re.compile(r"#\s*(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b")

Rule = Callable[[PurePath, str], Iterator[str]]


def overlong_module(path: PurePath, text: str) -> Iterator[str]:
    """A module is read in one sitting."""
    if path.suffix == ".py" and (lines := len(text.splitlines())) > MODULE_LINES_MAX:
        yield f"{path} has {lines} lines"


def overlong_function(path: PurePath, text: str) -> Iterator[str]:
    """A function is seen on one screen."""
    for node in nodes(path, text):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{path}:{node.lineno} {node.name} has {lines} lines"


def drawer(path: PurePath, text: str) -> Iterator[str]:
    """A file or a class is named for what it is; whatever ends in `Manager` or `utils` is a drawer for anything."""
    if path.suffix == ".py":
        yield from (f"{path} has the drawer's name {part}" for part in (*path.parts[:-1], path.stem) if is_drawer(part))
    for node in nodes(path, text):
        if isinstance(node, ast.ClassDef) and is_drawer(node.name):
            yield f"{path}:{node.lineno} {node.name} is a drawer's name"


def is_drawer(name: str) -> bool:
    """Whether the last word of a snake_case or CamelCase name names nothing in particular."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return bool(words) and words[-1].lower() in DRAWERS


def broad_except(path: PurePath, text: str) -> Iterator[str]:
    """Only what is expected is caught; a surprise ends the process with its traceback, passed on by whoever saw it."""
    places = (node for node in nodes(path, text) if isinstance(node, ast.ExceptHandler | ast.Call))
    found = [place.lineno for place in places if EVERYTHING & set(caught(place))]
    allowed = 1 if path.as_posix() in PROCESS_TOPS else 0
    yield from (f"{path}:{line} catches everything" for line in found[allowed:])


def caught(node: ast.AST) -> Iterator[str]:
    """Name what an `except` or a `suppress()` keeps from the caller; a bare `except` catches `BaseException`."""
    match node:
        case ast.ExceptHandler(body=[*_, ast.Raise(exc=None)]):
            return
        case ast.ExceptHandler(type=None):
            yield "BaseException"
        case ast.ExceptHandler(type=ast.Tuple(elts=kinds)):
            yield from map(ast.unparse, kinds)
        case ast.ExceptHandler(type=ast.expr() as kind):
            yield ast.unparse(kind)
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=kinds):
            yield from map(ast.unparse, kinds)


def left_out_test(path: PurePath, text: str) -> Iterator[str]:
    """No test is ever left out: what it needs and does not find is a failure."""
    if path.parts[0] != "tests":
        return
    for node in nodes(path, text):
        if isinstance(node, ast.Attribute) and WAY_OUT_OF_A_TEST.fullmatch(ast.unparse(node)):
            yield f"{path}:{node.lineno} may leave a test out"
        if isinstance(node, ast.ImportFrom) and node.module in {"pytest", "unittest"}:
            yield from (f"{path}:{node.lineno} imports {a.name}" for a in node.names if re.fullmatch(WAYS_OUT, a.name))


def machine_path(path: PurePath, text: str) -> Iterator[str]:
    """The project runs wherever it is cloned."""
    for number, line in enumerate(text.splitlines(), 1):
        if PLACE_ON_A_MACHINE.search(line):
            yield f"{path}:{number} names a place on one machine"


def outside_address(path: PurePath, text: str) -> Iterator[str]:
    """A page asks nothing of the world beyond the node."""
    if path.parts[0] != "webui" or not {"templates", "static"} & set(path.parts):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if OUTSIDE.search(line):
            yield f"{path}:{number} points outside the node"


def printed(path: PurePath, text: str) -> Iterator[str]:
    """Only the command line speaks to a terminal."""
    if path.parts[0] not in SHIPPED or path.as_posix().startswith(COMMAND_LINE):
        return
    for node in nodes(path, text):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "sys.stdout.write", "sys.stderr.write"}:
            yield f"{path}:{node.lineno} prints"


def wordless_module(path: PurePath, text: str) -> Iterator[str]:
    """A module begins by saying what it is for."""
    for node in nodes(path, text)[:1]:
        if isinstance(node, ast.Module) and not ast.get_docstring(node):
            yield f"{path} has no docstring"


def left_open(path: PurePath, text: str) -> Iterator[str]:
    """What is merged is finished."""
    for node in nodes(path, text):
        if isinstance(node, ast.Name) and node.id == "NotImplementedError":
            yield f"{path}:{node.lineno} is not written yet"
    for number, line in enumerate(text.splitlines() if path.suffix == ".py" else (), 1):
        if NOTE_TO_ONESELF.search(line):
            yield f"{path}:{number} is a note to oneself"


RULES: Final[tuple[Rule, ...]] = (
    overlong_module,
    overlong_function,
    drawer,
    broad_except,
    left_out_test,
    machine_path,
    outside_address,
    printed,
    wordless_module,
    left_open,
)


def nodes(path: PurePath, text: str) -> Sequence[ast.AST]:
    """Every node of a Python file, its module first; nothing of any other file."""
    return parsed(text) if path.suffix == ".py" else ()


@lru_cache(maxsize=1)  # every rule looks at one file before the next file is opened
def parsed(text: str) -> Sequence[ast.AST]:
    return tuple(ast.walk(ast.parse(text)))


def house() -> Iterator[tuple[PurePath, str]]:
    """Every text file of the house, by its path from the checkout."""
    tops = [path for path in CHECKOUT.iterdir() if path.is_file() and path.name not in MADE_HERE]
    files = [path for room in ROOMS for path in (CHECKOUT / room).rglob("*") if path.is_file()]
    for path in sorted(tops + files):
        if "__pycache__" not in path.parts:
            try:
                yield path.relative_to(CHECKOUT), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a picture, a database, bytes for a test


@pytest.fixture(scope="module")
def findings() -> dict[Rule, list[str]]:
    """What each rule finds in the whole house."""
    found: dict[Rule, list[str]] = {rule: [] for rule in RULES}
    for path, text in house():
        for rule in RULES:
            found[rule] += rule(path, text)
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Rule, findings: dict[Rule, list[str]]) -> None:
    assert findings[rule] == []


PLANTED: Final = (
    (overlong_module, "mesh/a.py", "x = 1\n" * 401),
    (overlong_function, "mesh/a.py", "def f():\n" + "    x = 1\n" * 70),
    (overlong_function, "tests/mesh/test_a.py", "class T:\n    async def f(self):\n" + "        x = 1\n" * 70),
    (drawer, "mesh/utils.py", ""),
    (drawer, "appliance/common/a.py", ""),
    (drawer, "webui/page_helpers.py", ""),
    (drawer, "mesh/a.py", "class PeerManager: ..."),
    (drawer, "mesh/a.py", "class NodeInfo: ..."),
    (broad_except, "mesh/a.py", "try:\n    f()\nexcept:\n    pass"),
    (broad_except, "mesh/a.py", "try:\n    f()\nexcept Exception as fault:\n    pass"),
    (broad_except, "tests/a.py", "try:\n    f()\nexcept (OSError, BaseException):\n    pass"),
    (broad_except, "mesh/a.py", "with contextlib.suppress(Exception):\n    f()"),
    (left_out_test, "tests/test_a.py", "@pytest.mark.skipif(True)\ndef test_a(): ..."),
    (left_out_test, "tests/test_a.py", "def test_a():\n    pytest.skip('no broker')"),
    (left_out_test, "tests/test_a.py", "browser = pytest.importorskip('playwright')"),
    (left_out_test, "tests/test_a.py", "from pytest import xfail"),
    (machine_path, "README.md", "See /" + "work/main/README.md"),
    (machine_path, "webui/templates/a.html", "file:///" + "home/ana/zine.pdf"),
    (outside_address, "webui/templates/a.html", "<img src='https://example.org/a.png'>"),
    (outside_address, "webui/templates/a.html", '<a href="//example.org">'),
    (outside_address, "webui/static/a.css", "body { background: url(http://example.org/a.png) }"),
    (printed, "mesh/a.py", "print('here')"),
    (printed, "webui/a.py", "import sys\nsys.stderr.write('here')"),
    (wordless_module, "mesh/a.py", "x = 1"),
    (left_open, "mesh/a.py", "def f():\n    raise NotImplementedError"),
    (left_open, "mesh/a.py", "x = 1  # TO" + "DO: two"),
)


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_a_planted_fault_is_found(rule: Rule, path: str, text: str) -> None:
    assert list(rule(PurePath(path), text))


def test_every_rule_has_its_planted_fault() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(RULES)


INNOCENT: Final = (
    (overlong_function, "mesh/a.py", "def f():\n" + "    x = 1\n" * 69),
    (drawer, "mesh/database.py", "class Baseline: ...\nclass Datagram: ..."),
    (broad_except, "mesh/a.py", "try:\n    f()\nexcept (OSError, ValueError):\n    pass"),
    (broad_except, "mesh/a.py", "try:\n    f()\nexcept BaseException:\n    undo()\n    raise"),
    (left_out_test, "tests/test_a.py", "stream.skip(4)\nreader.skipped += 1"),
    (machine_path, "README.md", "the home page, https://example.org/home/page and ./work/x"),
    (outside_address, "webui/templates/a.svg", '<svg xmlns="http://www.w3.org/2000/svg"><a href="/help">'),
    (printed, "appliance/cli.py", "print('done')"),
)


@pytest.mark.parametrize(("rule", "path", "text"), INNOCENT)
def test_what_only_looks_like_a_fault_is_left_alone(rule: Rule, path: str, text: str) -> None:
    assert list(rule(PurePath(path), text)) == []


def test_the_readme_names_the_two_commands() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert "make run" in readme
    assert "make test" in readme
