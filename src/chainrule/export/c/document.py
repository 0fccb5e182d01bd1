"""A model as one C99 file: constants, static functions, and one function for users."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from chainrule._version import version
from chainrule.description import Description
from chainrule.export.c import text
from chainrule.export.c.inputs import Inputs, plain_inputs, scaled_inputs, table_inputs
from chainrule.export.c.layers import Code, network_code
from chainrule.export.c.outputs import Result
from chainrule.export.parts import take_apart
from chainrule.files.atomic import atomic_path


def export_c(model: Any, path: str | os.PathLike[str], *, name: str | None = None) -> None:
    """Write a model as one C99 file without dependencies.

    The file needs a C99 compiler and <math.h>, allocates nothing, changes nothing but its output, and may be
    called from several threads. The comment at its head says what its one function takes and gives.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor, TableModel or Pipeline
        A Pipeline may have StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler and SimpleImputer before
        one of our estimators. A TableModel brings its own preprocessing; its function takes a struct of the
        table's columns.
    path : str or path-like
        File to write; it appears whole or not at all.
    name : str, optional
        What the function is called, followed by "_predict"; by default the file's name. Other names in the
        file begin with it too, so that several files can go into one program.

    Raises
    ------
    TypeError
        For other models and other transformers.
    ValueError
        For parameters that are not finite, and a name that C does not accept.

    Notes
    -----
    The arithmetic is that of the model's dtype, with the C library's functions, so that outputs agree with
    the model's to rounding. Weights stand in the file as decimal numbers that read back as the same bits.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from chainrule import Network
    >>> net = Network([2, 3, 1], activation="tanh", random_state=0)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     export_c(net, f"{directory}/small.c")
    ...     lines = Path(directory, "small.c").read_text().splitlines()
    >>> [line for line in lines if line.startswith("void")]
    ['void small_predict(const double x[2], double y[1])']
    """
    source = c_source(model, _name(path, name))
    with atomic_path(path) as temporary:
        Path(temporary).write_text(source, encoding="utf-8")


def c_source(model: Any, name: str) -> str:
    """Write the file's text; `name` must be an identifier."""
    before, network = take_apart(model)
    code = Code(f"{name}_", "float" if network.dtype.itemsize == 4 else "double")
    if network.columns is not None:
        inputs = table_inputs(network, code)
    elif before:
        inputs = scaled_inputs(before, network, code)
    else:
        inputs = plain_inputs(network, code)
    result = Result.of(network, code)
    hidden = network_code(network, code, inputs.source, result.raw)
    prototype = f"{result.returns} {name}_predict({inputs.argument}, {result.argument})"
    parts = [
        text.comment(_head(prototype, inputs, result, network, code)),
        "#include <math.h>\n" + ("#include <string.h>\n" if "find" in code.functions else ""),
        inputs.types,
        result.classes,
        *code.constants,
        *code.functions.values(),
        _function(prototype, inputs, result, network, hidden, code),
    ]
    return "\n".join(part for part in parts if part)


def _function(
    prototype: str, inputs: Inputs, result: Result, network: Description, hidden: list[str], code: Code
) -> str:
    buffers = [
        f"{code.real} {name}[{max(widths)}];"
        for name, widths in (("a", network.sizes[1:-1:2]), ("b", network.sizes[2:-1:2]))
        if widths
    ]
    statements = [*inputs.statements, *hidden, *result.statements]
    counter = ["int j;"] if any(re.search(r"\bj\b", line) for line in statements) else []
    body = [*counter, *inputs.locals, *buffers, *result.locals, *statements]
    return "\n".join([prototype, "{", *(f"    {line}" for line in body), "}"]) + "\n"


def _head(prototype: str, inputs: Inputs, result: Result, network: Description, code: Code) -> list[str]:
    widths = [max(hidden) for hidden in (network.sizes[1:-1:2], network.sizes[2:-1:2]) if hidden]
    arrays = sum(widths) + network.n_inputs * bool(inputs.locals) + network.n_outputs * bool(result.locals)
    sizes = "-".join(map(str, network.sizes))
    return [
        f"A {sizes} network, written by chainrule {version()}.",
        "",
        f"    {prototype};",
        "",
        *inputs.notes,
        *result.notes,
        "",
        f"C99; computes in {code.real}; needs <math.h> (-lm). Compile it with your program, or #include it."
        " Allocates nothing, changes nothing but its second argument, may be called from several threads;"
        f" its arrays take {arrays * network.dtype.itemsize:,} bytes of stack.",
    ]


def _name(path: str | os.PathLike[str], name: str | None) -> str:
    if name is None:
        return text.identifier(Path(path).stem, "model")
    if text.identifier(name, "") != name:
        hint = text.identifier(name, "model")
        raise ValueError(f"name is {name!r}, which C does not accept as a name; did you mean {hint!r}?")
    return name
