"""Generator of the blocking client from the asynchronous client; a build step that imports neither.

`client.py` and `sweep.py` are copies of `async_client.py` and `async_sweep.py` in which a call of `run_now`
or `iterate` replaces each `await` and runs the coroutine to its end. They are not committed; `make protos`
or, faster, `python -m sweepd.objects.generate` builds them.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = {"client.py": "async_client.py", "sweep.py": "async_sweep.py"}
_NAMES = {
    r"\bAsync(Client|Sweep|StoredRun|Change|Iterator)\b": r"\1",
    r"\bAsyncWire\b": "BlockingWire",
    r"\basync_(sweep)\b": r"\1",
    r"\baclosing\b": "closing",
    r"\b__a(enter|exit)__\b": r"__\1__",
}
_DOCSTRINGS = {
    "Client": """Client of a server, which creates and finds sweeps and finds runs.

    Use it in a `with` block, or call `close`, which leaves no thread behind. Several threads may share a
    client, even in a process that was forked later. All errors that it raises are `ClientError`.
    """,
    "Sweep": """Sweep that a server stores: its state, its runs, and methods that control it.

    Returned by `Client.create`, `Client.sweep` and `Client.sweeps`. The values are those of the last call;
    `refresh` and the methods that control the sweep update them.
    """,
    "StoredRun": """Run that a server stores: its point, its logged values, its log.

    Returned by `Client.run`, `Client.runs`, `Sweep.run`, `Sweep.runs` and `Sweep.best`. The values are those
    of the last call; `refresh` updates them. (`sweepd.Run` is another class: the active run of a script.)
    """,
}


def blocking(source: str, name: str) -> str:
    """Return the text of a blocking module, given the text and name of the asynchronous module."""
    for pattern, replacement in _NAMES.items():
        source = re.sub(pattern, replacement, source)
    tree = _Blocking().visit(ast.parse(source))
    tree.body[0].value = ast.Constant(f"Generated from `{name}` by `generate.py`; edit the source.")
    helpers = ast.alias("iterate"), ast.alias("run_now")
    tree.body.insert(2, ast.ImportFrom("sweepd.calls.wire", list(helpers), 0))
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def generate() -> None:
    """Write the blocking modules beside the asynchronous ones."""
    for target, name in SOURCES.items():
        text = blocking((HERE / name).read_text(encoding="utf-8"), name)
        if not (HERE / target).exists() or (HERE / target).read_text(encoding="utf-8") != text:
            (HERE / target).write_text(text, encoding="utf-8")


class _Blocking(ast.NodeTransformer):
    """Transformer that makes asynchronous code blocking."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if node.name in _DOCSTRINGS:
            node.body[0] = ast.Expr(ast.Constant(_DOCSTRINGS[node.name]))
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self.generic_visit(_converted(ast.FunctionDef, node))

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        return self.generic_visit(_converted(ast.With, node))

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        return self.generic_visit(_converted(ast.For, node))

    def visit_Await(self, node: ast.Await) -> ast.AST:
        match node.value:
            case ast.Call(func=ast.Attribute(value=ast.Name("self"))):
                return self.generic_visit(node.value)  # a method of this class, itself made blocking
            case _:
                return self.generic_visit(_call("run_now", node.value))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "closing":
            node.args = [_call("iterate", node.args[0])]
        return self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            node.is_async, node.iter = 0, _call("iterate", node.iter)
        return self.generic_visit(node)


def _converted(kind: type[ast.AST], node: ast.AST) -> ast.AST:
    return kind(**dict(ast.iter_fields(node)))


def _call(name: str, argument: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), [argument], [])


if __name__ == "__main__":
    generate()
