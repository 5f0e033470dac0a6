"""Mutations of Python functions: one small change each, like a typical programming error."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import TypeAlias

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a function of a module or class; `number` is its index in the module."""

    path: Path
    number: int
    function: str
    first_line: int
    line: int
    before: str
    after: str

    def described(self, root: Path) -> str:
        """Return the mutation and its place in one line, independent of line numbers."""
        return f"{self.path.relative_to(root)}::{self.function}: {self.before}  ->  {self.after}"

    def code(self) -> CodeType:
        """Return the code of the changed function."""
        source = _source(self.path)
        tree = ast.parse(source)
        _, place, changed = next(islice(_all_places(tree), self.number, None))

        class Replacing(ast.NodeTransformer):
            def visit(self, node: ast.AST) -> ast.AST:
                return ast.copy_location(changed, node) if node is place else self.generic_visit(node)

        module = ast.fix_missing_locations(Replacing().visit(tree))
        assert isinstance(module, ast.Module)
        _keep_classes(ast.parse(source), module)
        compiled = compile(module, str(self.path), "exec", dont_inherit=True)
        code = _code_named(compiled, self.function, self.first_line)
        assert code is not None, self
        return code


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield each mutant of a module's functions."""
    for number, ((name, function), place, changed) in enumerate(_all_places(ast.parse(_source(path)))):
        first = min(each.lineno for each in (function, *function.decorator_list))
        line = getattr(place, "lineno", first)
        yield Mutant(path, number, name, first, line, _short(place), _short(changed))


@cache
def _source(path: Path) -> bytes:
    """Return the content of a file at the first call: the numbers of mutants refer to it."""
    return path.read_bytes()


def _all_places(tree: ast.Module) -> Iterator[tuple[tuple[str, Function], ast.AST, ast.AST]]:
    """Yield each node that can be mutated, with its function and its replacement, in a fixed order."""
    for name, function in _outermost(tree, ""):
        # No defaults of the function: they are evaluated before the function gets the mutant's code.
        for node in _evaluated(ast.Module(function.body, [])):
            yield from (((name, function), node, changed) for changed in _changed(node))


def _short(node: ast.AST) -> str:
    """Return the first line of a node as text."""
    return ast.unparse(ast.fix_missing_locations(node)).partition("\n")[0]


def _code_named(code: CodeType, name: str, first_line: int) -> CodeType | None:
    """Return the code of a function within that of its module."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if (inner.co_qualname, inner.co_firstlineno) == (name, first_line):
                return inner
            if (found := _code_named(inner, name, first_line)) is not None:
                return found
    return None


def _outermost(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _outermost(child, f"{prefix}{child.name}.")
        elif isinstance(child, (ast.If, ast.Try)):
            yield from _outermost(child, prefix)


def _keep_classes(original: ast.Module, changed: ast.Module) -> None:
    """Keep the reference to `__class__` in functions that called `super`: new code must have that cell."""
    for (_, before), (_, after) in zip(_outermost(original, ""), _outermost(changed, ""), strict=True):
        if any(isinstance(node, ast.Name) and node.id == "super" for node in ast.walk(before)):
            named = ast.copy_location(ast.Expr(ast.Name("__class__", ast.Load())), after.body[-1])
            after.body.append(ast.fix_missing_locations(named))


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below that affect behaviour: no annotation, decorator, docstring or message."""
    for name, field in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "pattern"):
            continue
        for child in field if isinstance(field, list) else [field]:
            if not isinstance(child, ast.AST) or isinstance(child, (ast.Raise, ast.JoinedStr, ast.Assert)):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            yield child
            yield from _evaluated(child)


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=ops):
            for at, operator in enumerate(ops):
                changed = copy.deepcopy(node)
                changed.ops[at] = _COMPARISONS[type(operator)]()
                yield changed
        case ast.BoolOp(op=operator, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(operator)](), right)
        case ast.AugAssign(target, operator, value) if type(operator) in _OPERATORS:
            yield ast.AugAssign(target, _OPERATORS[type(operator)](), value)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as number):
            yield ast.Constant(number + 1)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords) if name in _CALLS:
            yield ast.Call(ast.Name(_CALLS[name], ast.Load()), arguments, keywords)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.If(test, body, orelse) | ast.While(test, body, orelse):
            if not isinstance(test, (ast.Compare, ast.UnaryOp)):
                yield type(node)(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
