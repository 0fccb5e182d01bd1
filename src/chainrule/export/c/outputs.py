"""What the C function gives: numbers, or probabilities and the decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.description import Description
from chainrule.export.c import text
from chainrule.export.c.layers import Code


@dataclass
class Result:
    """The function's second argument and what it returns.

    Attributes
    ----------
    returns, argument : str
        Their declarations.
    notes : list of str
        What the header comment says of them.
    raw : str
        The array that takes the network's own outputs.
    locals, statements : list of str
        That make the result of it.
    classes : str
        Declaration of the table of class labels.
    """

    returns: str
    argument: str
    notes: list[str]
    raw: str = "y"
    locals: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    classes: str = ""

    @classmethod
    def of(cls, network: Description, code: Code) -> Result:
        """Choose by what the outputs mean."""
        meaning, n = network.meaning, network.n_outputs
        if not meaning.classifies:
            return cls._numbers(network, code)
        result = cls("int", f"{code.real} p[{network.n_columns}]", [])
        half = code.number(0.5)
        result.raw = "p"
        table = f"{code.prefix}classes"
        result.classes = class_table(table, meaning.classes, code)
        shown = ", ".join(map(repr, meaning.classes))
        if meaning.kind == "multilabel":
            result.notes = [
                f"p: the probability of each of the {n} labels {shown}; a row has those above 0.5.",
                "Returns the number of labels that the row has.",
            ]
            result.locals = ["int count = 0;"]
            result.statements = [
                f"for (j = 0; j < {n}; ++j)",
                f"    count += p[j] > {half};",
                "return count;",
            ]
            return result
        result.notes = [
            f"p: the probability of each class: {shown}.",
            f"Returns the index of the most probable class; {table}[] has their names.",
        ]
        if meaning.kind == "binary":
            result.statements = ["p[1] = p[0];", "p[0] = 1 - p[1];"]
            decided = f"p[1] > {half}" if len(meaning.classes) > 1 else "0"
            result.statements.append(f"return {decided};")
        else:
            result.locals = ["int best = 0;"]
            result.statements = [
                f"for (j = 1; j < {n}; ++j)",
                "    if (p[j] > p[best])",
                "        best = j;",
                "return best;",
            ]
        return result

    @classmethod
    def _numbers(cls, network: Description, code: Code) -> Result:
        meaning, n = network.meaning, network.n_outputs
        if not meaning.scaled:
            return cls("void", f"{code.real} y[{n}]", [f"y: {n} output{'s' if n > 1 else ''}."])
        note = f"y: {n} prediction{'s' if n > 1 else ''}, in the target's own units."
        result = cls("void", f"{code.scaled} y[{n}]", [note])
        result.raw, result.locals = "out", [f"{code.real} out[{n}];"]
        places = {}
        for name in ("scale", "mean"):
            values = np.asarray(getattr(meaning, name))
            if values.ndim:
                places[name] = f"{code.prefix}target_{name}[j]"
                code.constants.append(text.array(f"{code.prefix}target_{name}", values, code.outer))
            else:
                places[name] = text.number(values, code.outer)
        result.statements = [
            f"for (j = 0; j < {n}; ++j)",
            f"    y[j] = {code.outwards}out[j] * {places['scale']} + {places['mean']};",
        ]
        return result


def class_table(name: str, classes: list[Any], code: Code) -> str:
    """Declare the table of class labels."""
    if all(isinstance(label, str) for label in classes):
        values = ",\n".join(f"    {text.string(label)}" for label in classes)
        return f"const char *const {name}[{len(classes)}] = {{\n{values}\n}};\n"
    whole = all(isinstance(label, int | bool) for label in classes)
    values = ", ".join(
        f"{int(label)}" + ("LL" if abs(int(label)) >= 2**31 else "")
        if whole
        else text.number(label, code.outer)
        for label in classes
    )
    return f"const {'long long' if whole else code.scaled} {name}[{len(classes)}] = {{ {values} }};\n"
