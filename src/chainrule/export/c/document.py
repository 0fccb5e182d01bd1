"""A model as one C99 file: constants, static functions, and one function for users."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule._version import version
from chainrule.description import Description
from chainrule.description.unwrapping import best_of
from chainrule.export.c import text
from chainrule.export.c.ensemble import ensemble_inputs, ensemble_result, member_function
from chainrule.export.c.input_layers import input_code
from chainrule.export.c.inputs import Inputs, plain_inputs, scaled_inputs, table_inputs
from chainrule.export.c.layers import Code, network_code
from chainrule.export.c.outputs import Result
from chainrule.export.ensembles import EnsembleParts, is_ensemble, take_ensemble_apart
from chainrule.export.parts import take_apart
from chainrule.files.atomic import atomic_path


def export_c(
    model: Any,
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    header: str | os.PathLike[str] | None = None,
    dtype: Any = None,
) -> None:
    """Write a model as one C99 file without dependencies, which compiles as C++ too.

    The file needs a C99 compiler and <math.h>, allocates nothing, changes nothing but its output, and may be
    called from several threads. The comment at its head says what its one function takes and gives.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor, TableModel or Pipeline
        A Pipeline may have StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler and SimpleImputer before
        one of our estimators. A TableModel brings its own preprocessing; its function takes a struct of the
        table's columns.
    path : str or path-like
        File to write; it appears whole or not at all.
    name : str, optional
        What the function is called, followed by "_predict"; by default the file's name. Other names in the
        file begin with it too, so that several files can go into one program.
    header : str or path-like, optional
        A header to write beside it, with the declarations. The C file has them itself and does not need it.
    dtype : {"float32", "float64"}, optional
        In which everything is computed, taken and given: "float32" is for processors without double. By
        default the network computes in the model's dtype; numbers that are scaled before or after it are
        double.

    Raises
    ------
    TypeError
        For other models and other transformers.
    ValueError
        For parameters that are not finite, or too large for the dtype, and a name that C does not accept.

    Notes
    -----
    The arithmetic is that of the dtype, with the C library's functions, so that outputs agree with the
    model's to rounding. Weights stand in the file as decimal numbers that read back as the same bits.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from chainrule import Network
    >>> net = Network([2, 3, 1], activation="tanh", random_state=0)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     export_c(net, f"{directory}/small.c")
    ...     lines = Path(directory, "small.c").read_text().splitlines()
    >>> [line for line in lines if line.endswith(";") and line.startswith("void")]
    ['void small_predict(const double x[2], double y[1]);']
    """
    if header is not None and Path(header).absolute() == Path(path).absolute():
        raise ValueError(f"header is {os.fspath(header)!r}, the C file itself; give it another name")
    source, declarations = c_source(model, _name(path, name), dtype)
    if header is not None:
        with atomic_path(header) as temporary:
            Path(temporary).write_text(declarations, encoding="utf-8")
    with atomic_path(path) as temporary:
        Path(temporary).write_text(source, encoding="utf-8")


def c_source(model: Any, name: str, dtype: Any = None) -> tuple[str, str]:
    """Write the texts of a file and of its header; `name` must be an identifier."""
    found = best_of(model)
    if is_ensemble(found):
        return _ensemble(take_ensemble_apart(found, dtype), name, dtype)
    before, network = take_apart(model)
    if dtype is not None:
        network = network.astype(dtype)
    code = Code(f"{name}_", network.dtype, np.dtype(dtype or "float64"))
    if network.columns is not None:
        inputs = table_inputs(network, code)
    elif before:
        inputs = scaled_inputs(before, network, code)
    else:
        inputs = plain_inputs(network, code)
    result = Result.of(network, code)
    body = _body(network, code, inputs.source, result.raw)
    numbers = body.n_numbers + network.n_inputs * (inputs.source != "x")
    numbers += network.n_outputs * bool(result.locals)
    sizes = "-".join(map(str, network.sizes))
    return _file(name, f"A {sizes} network", inputs, body, result, numbers, code)


def _ensemble(parts: EnsembleParts, name: str, dtype: Any) -> tuple[str, str]:
    """Write a Tabular model: a function for each member, and one that averages them."""
    code = Code(f"{name}_", parts.members[0][1].dtype, np.dtype(dtype or "float64"))
    inputs, result, n = ensemble_inputs(parts, code), ensemble_result(parts, code), parts.n_outputs
    statements = [f"for (j = 0; j < {n}; ++j)", f"    {result.raw}[j] = 0;"]
    numbers, members = 0, []
    for k, (_, network) in enumerate(parts.members, start=1):
        code.part = f"m{k}_"
        body = _body(network, code, "v", "out")
        own = [*body.locals, f"{code.real} out[{n}];", *body.statements]
        function, written = member_function(k, own, n, parts, code)
        members.append(written)
        statements.append(f"{function}(v, {result.raw});")
        numbers = max(numbers, parts.n_inputs + body.n_numbers + n)
    kinds = "networks" if len(parts.members) > 1 else "network"
    title = f"The average of {len(parts.members)} {kinds}"
    return _file(name, title, inputs, Body([], statements, 0), result, numbers, code, members)


class Body(NamedTuple):
    """What takes a row through a network: local arrays of so many numbers, and statements."""

    locals: list[str]
    statements: list[str]
    n_numbers: int


def _body(network: Description, code: Code, source: str, into: str) -> Body:
    """Take the array `source` of the data into the array `into`, through input layers and layers."""
    arrays, statements = {}, list[str]()
    if network.inputs:
        arrays["x_1"] = network.layers[0].weights.shape[0]
        statements += input_code(network, code, source, "x_1")
        source = "x_1"
    for name, widths in (("a", network.sizes[1:-1:2]), ("b", network.sizes[2:-1:2])):
        if widths:
            arrays[name] = max(widths)
    statements += network_code(network, code, source, into)
    declared = [f"{code.real} {name}[{width}];" for name, width in arrays.items()]
    return Body(declared, statements, sum(arrays.values()))


def _file(
    name: str,
    title: str,
    inputs: Inputs,
    body: Body,
    result: Result,
    n_numbers: int,
    code: Code,
    members: Sequence[str] = (),
) -> tuple[str, str]:
    """Put the texts of a file and of its header together."""
    prototype = f"{result.returns} {name}_predict({inputs.argument}, {result.argument})"
    head = text.comment(_head(title, prototype, inputs, result, n_numbers, code))
    declared = _declarations(f"{name}_predict_h".upper(), prototype, inputs, result)
    uses_strings = any("strcmp" in one for one in code.functions.values())
    parts = [
        head,
        declared,
        "#include <math.h>\n" + ("#include <string.h>\n" if uses_strings else ""),
        result.classes,
        *code.constants,
        *code.functions.values(),
        *members,
        _function(prototype, inputs, body, result),
    ]
    return "\n".join(part for part in parts if part), f"{head}\n{declared}"


def _declarations(guard: str, prototype: str, inputs: Inputs, result: Result) -> str:
    """Write what other files need to know, once in a program's file, for C and for C++."""
    table = f"extern {result.classes.partition(' = ')[0]};\n" if result.classes else ""
    return (
        f"#ifndef {guard}\n#define {guard}\n\n"
        '#ifdef __cplusplus\nextern "C" {\n#endif\n\n'
        f"{inputs.types}{table}{prototype};\n\n"
        f"#ifdef __cplusplus\n}}\n#endif\n\n#endif\n"
    )


def _function(prototype: str, inputs: Inputs, body: Body, result: Result) -> str:
    statements = [*inputs.statements, *body.statements, *result.statements]
    counter = ["int j;"] if any(re.search(r"\bj\b", line) for line in statements) else []
    lines = [*counter, *inputs.locals, *body.locals, *result.locals, *statements]
    return "\n".join([prototype, "{", *(f"    {line}" for line in lines), "}"]) + "\n"


def _head(
    title: str, prototype: str, inputs: Inputs, result: Result, n_numbers: int, code: Code
) -> list[str]:
    return [
        f"{title}, written by chainrule {version()}.",
        "",
        f"    {prototype};",
        "",
        *inputs.notes,
        *result.notes,
        "",
        f"C99 and C++; computes in {code.real}; needs <math.h> (-lm). Compile it with your program, or"
        " #include it."
        " Allocates nothing, changes nothing but its second argument, may be called from several threads;"
        f" its arrays take {n_numbers * code.dtype.itemsize:,} bytes of stack.",
    ]


def _name(path: str | os.PathLike[str], name: str | None) -> str:
    if name is None:
        return text.beginning(Path(path).stem, "model")
    if not name or text.beginning(name, "") != name:
        hint = text.beginning(name, "model")
        raise ValueError(f"name is {name!r}, which C does not accept as a name; did you mean {hint!r}?")
    return name
