"""What a derivation is made of: steps, each a chain of equal expressions with the rules between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chainrule.derive.expression import Expr, Symbol
from chainrule.derive.words import NOTHING, Words

Part = Literal[
    "definition",
    "inputs",
    "forward",
    "loss",
    "output",
    "recursion",
    "parameters",
    "columns",
    "general",
    "batch",
    "update",
]

PARTS: dict[Part, Words] = {
    "definition": Words("The network", "网络"),
    "inputs": Words("From the columns of the data to x₁", "从数据的各列到 x₁"),
    "forward": Words("Forward pass", "前向传播"),
    "loss": Words("Error", "误差"),
    "output": Words("Backward: output layer", "反向传播：输出层"),
    "recursion": Words("Backward: hidden layers", "反向传播：隐藏层"),
    "parameters": Words("Gradients of the parameters", "参数的梯度"),
    "columns": Words("Backward: to the columns of the data", "反向传播：回到数据的各列"),
    "general": Words("General recursion", "一般递推式"),
    "batch": Words("A batch: sums over rows", "批：对行求和"),
    "update": Words("One update", "一次更新"),
}


@dataclass(frozen=True)
class Form:
    """One right-hand side.

    Attributes
    ----------
    expression : Expr
        What is written after the "=".
    rule : str
        Key in `RULES`: why it equals what stands before.
    kind : {"chain", "jacobians", "collapsed", "stored", "other"}
        The chain rule as written, with Jacobian matrices put in, with Hadamard products, with f' from what
        the forward pass stored.
    """

    expression: Expr
    rule: str
    kind: Literal["chain", "jacobians", "collapsed", "stored", "other"] = "other"


@dataclass(frozen=True)
class Step:
    """One statement: lhs = form = form = ...

    Attributes
    ----------
    key : str
        Stable, like "delta.2" or "dW.1".
    equation : str
        "E1".."E15", or "" where none of them says it.
    part : str
        Key in `PARTS`.
    layer : int or None
        The layer it is about; 0 for the input layers.
    title : Words
        What it states.
    lhs : Expr
        The left-hand side.
    target : str
        Key of the symbol whose value it gives.
    forms : tuple of Form
        The chain of right-hand sides; the last is the one that is computed.
    note : Words
        A remark, may be empty.
    symbolic : bool
        Whether it speaks of any layer k, so that it has no numbers of its own.
    assignment : bool
        Whether the sign between lhs and form is an arrow.
    """

    key: str
    equation: str
    part: Part
    layer: int | None
    title: Words
    lhs: Expr
    target: str
    forms: tuple[Form, ...]
    note: Words = NOTHING
    symbolic: bool = False
    assignment: bool = False

    @property
    def symbols(self) -> list[Symbol]:
        """The symbols that occur, each once, in order."""
        found: dict[str, Symbol] = {}
        for expression in (self.lhs, *(form.expression for form in self.forms)):
            for symbol in expression.symbols():
                found.setdefault(symbol.key, symbol)
        return list(found.values())
