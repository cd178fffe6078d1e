"""Which keys the code of the bots mentions, and which parameters it gives them: read from its syntax trees."""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bots

KEY = re.compile(r"[a-z]+(_[a-z]+)*(\.[a-z0-9_]+)+")


@dataclass(frozen=True)
class Said:
    """A call of ``say`` or ``count`` with a key that can be read from the source."""

    where: str
    pattern: re.Pattern[str]
    params: frozenset[str]
    has_more: bool  #: ``**names`` were given too


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the bots."""
    folder = Path(bots.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        yield path, ast.parse(path.read_text("utf-8"))


def pattern_of(node: ast.expr) -> re.Pattern[str] | None:
    """What keys an expression can be: a constant, or an f-string that begins with a constant ``namespace.``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
        return re.compile(re.escape(node.value))
    if isinstance(node, ast.JoinedStr) and node.values:
        first = node.values[0]
        if isinstance(first, ast.Constant) and re.match(r"[a-z_]+\.", str(first.value)):
            parts = (re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in node.values)
            return re.compile("".join(parts))
    return None


def mentioned() -> Iterator[re.Pattern[str]]:
    """Everything in the code that looks like a key."""
    for _, tree in trees():
        for node in ast.walk(tree):
            pattern = pattern_of(node) if isinstance(node, ast.expr) else None
            if pattern is not None:
                yield pattern
            if isinstance(node, ast.Call):
                yield from _in_two_parts(node)


def _in_two_parts(call: ast.Call) -> Iterator[re.Pattern[str]]:
    """``described(words, "menu", "edit_image")`` mentions ``menu.edit_image``."""
    values = [arg.value if isinstance(arg, ast.Constant) else None for arg in call.args]
    for kind, name in itertools.pairwise(values):
        if isinstance(kind, str) and isinstance(name, str) and KEY.fullmatch(f"{kind}.{name}"):
            yield re.compile(re.escape(f"{kind}.{name}"))


def said() -> Iterator[Said]:
    """The calls of ``say`` and ``count`` whose key stands in the call; a choice of two keys is two calls."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) >= 2):
                continue
            if node.func.attr not in {"say", "count"}:
                continue
            params = {keyword.arg for keyword in node.keywords if keyword.arg}
            params |= {"n"} if node.func.attr == "count" else set()
            choice = node.args[1]
            for key in (choice.body, choice.orelse) if isinstance(choice, ast.IfExp) else (choice,):
                pattern = pattern_of(key)
                if pattern is not None:
                    has_more = any(keyword.arg is None for keyword in node.keywords)
                    yield Said(f"{path.name}:{node.lineno}", pattern, frozenset(params), has_more)
