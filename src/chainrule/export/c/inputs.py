"""How a row comes into the C function: as numbers, as numbers to be scaled, or as a table's columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.description import Description
from chainrule.export.c import text
from chainrule.export.c.layers import Code

Floats = NDArray[Any]


@dataclass
class Inputs:
    """The function's first argument.

    Attributes
    ----------
    argument : str
        Its declaration.
    notes : list of str
        What the header comment says of it.
    source : str
        The array of the network's inputs.
    types : str
        Declarations that users need.
    locals, statements : list of str
        That fill `source`.
    """

    argument: str
    notes: list[str]
    source: str = "x"
    types: str = ""
    locals: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)


def plain_inputs(network: Description, code: Code) -> Inputs:
    """Numbers that go to the network as they are."""
    return Inputs(
        f"const {code.real} x[{network.n_inputs}]", _listed(network.feature_names, network.n_inputs)
    )


# ---- scikit-learn's scalers ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """One arithmetic step for every feature, in scikit-learn's order.

    Attributes
    ----------
    expression : str
        C, where `{v}` is the number and the other fields are elements of `arrays`, or constants.
    arrays : dict of str to ndarray of shape (n_features,)
    constants : dict of str to float
    """

    expression: str
    arrays: dict[str, Floats] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)


def _standard(step: Any) -> list[Operation]:
    mean, scale = step.mean_ if step.with_mean else None, step.scale_ if step.with_std else None
    return _minus(mean) + _over(scale)


def _min_max(step: Any) -> list[Operation]:
    done = [Operation("{v} * {scale} + {minimum}", {"scale": step.scale_, "minimum": step.min_})]
    return done + _clip(*step.feature_range) if step.clip else done


def _max_abs(step: Any) -> list[Operation]:
    return _over(step.scale_) + (_clip(-1, 1) if getattr(step, "clip", False) else [])


def _robust(step: Any) -> list[Operation]:
    center, scale = step.center_ if step.with_centering else None, step.scale_ if step.with_scaling else None
    return _minus(center) + _over(scale)


def _imputer(step: Any) -> list[Operation]:
    statistics = np.asarray(step.statistics_)
    if step.add_indicator or statistics.dtype.kind != "f" or not np.isfinite(statistics).all():
        raise TypeError(
            "export_c takes a SimpleImputer of numbers without add_indicator and without empty columns;"
            " to_onnx takes any"
        )
    if not (isinstance(step.missing_values, float) and np.isnan(step.missing_values)):
        raise TypeError(
            f"export_c takes a SimpleImputer for missing_values=nan, not {step.missing_values!r};"
            " to_onnx takes any"
        )
    return [Operation("isnan({v}) ? {statistic} : {v}", {"statistic": statistics})]


def _minus(values: Floats | None) -> list[Operation]:
    return [] if values is None else [Operation("{v} - {center}", {"center": values})]


def _over(values: Floats | None) -> list[Operation]:
    return [] if values is None else [Operation("{v} / {scale}", {"scale": values})]


def _clip(low: float, high: float) -> list[Operation]:
    clipped = "{v} < {low} ? {low} : {v} > {high} ? {high} : {v}"
    return [Operation(clipped, constants={"low": low, "high": high})]


SCALERS: dict[str, Callable[[Any], list[Operation]]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "RobustScaler": _robust,
    "SimpleImputer": _imputer,
}


def scaled_inputs(steps: list[Any], network: Description, code: Code) -> Inputs:
    """Numbers in their own units, scaled as scikit-learn does it.

    Raises TypeError for a transformer that is none of `SCALERS`.
    """
    operations = []
    for step in steps:
        name = type(step).__name__
        if name not in SCALERS:
            known = ", ".join(SCALERS)
            raise TypeError(f"export_c knows the transformers {known}, not {name}; to_onnx(path) takes more")
        operations += [part for whole in SCALERS[name](step) for part in _exact(whole, code)]
    n, names = network.n_inputs, getattr(steps[0], "feature_names_in_", network.feature_names)
    inputs = Inputs(f"const {code.scaled} x[{n}]", _listed(names, n), "v")
    inputs.locals = [f"{code.real} v[{n}];", f"{code.scaled} t;"]
    body = ["t = x[j];"]
    for k, operation in enumerate(operations, start=1):
        places = {name: text.number(value, code.outer) for name, value in operation.constants.items()}
        for name, values in operation.arrays.items():
            places[name] = f"{code.prefix}{name}{k}[j]"
            code.constants.append(text.array(f"{code.prefix}{name}{k}", values, code.outer))
        body.append(f"t = {operation.expression.format(v='t', **places)};")
    body.append(f"v[j] = {code.inwards}t;")
    inputs.statements = [f"for (j = 0; j < {n}; ++j) {{", *(f"    {line}" for line in body), "}"]
    return inputs


def _exact(operation: Operation, code: Code) -> list[Operation]:
    """Take a center away in two steps where one number of the outer dtype does not hold it."""
    if "center" not in operation.arrays:
        return [operation]
    return [
        replace(operation, arrays={"center": part}) for part in exact_parts(operation.arrays["center"], code)
    ]


def exact_parts(values: Any, code: Code) -> list[Floats]:
    """Write numbers as sums of one or two of the outer dtype, so that years or dates keep their digits."""
    exact = np.asarray(values, np.float64)
    with np.errstate(over="ignore"):  # text.number refuses what is too large
        first = exact.astype(code.outer).astype(np.float64)
    rest = exact - first
    return [first, rest] if np.isfinite(first).all() and rest.any() else [exact]


# ---- a table's columns -----------------------------------------------------------------------------------

FIND = """\
/* The place of a text in a list, or -1. */
static int {p}find(const char *text, const char *const *list, int n)
{{
    int i;
    for (i = 0; i < n; ++i)
        if (strcmp(text, list[i]) == 0)
            return i;
    return -1;
}}
"""


def table_inputs(network: Description, code: Code) -> Inputs:
    """Take a struct with a member for each column, encoded as `TableModel` does it."""
    columns = network.columns or ()
    n, names = network.n_inputs, text.identifiers([column.name for column in columns])
    row = f"{code.prefix}row"
    inputs = Inputs(f"const {row} *row", ["row: a table's row, as its columns are described in the struct."])
    inputs.source, inputs.locals = "v", [f"{code.real} v[{n}];"]
    inputs.statements = [f"for (j = 0; j < {n}; ++j)", "    v[j] = 0;"]
    members, at = [], 0
    for name, column in zip(names, columns, strict=True):
        encode = _number_column if hasattr(column, "scale") else _category_column
        ctype, says, statements = encode(name, column, at, code)
        members.append(f"    {ctype}{name}; {text.remark(f'{column.name!r}: {says}')}")
        inputs.statements += statements
        at += len(column.feature_names)
    inputs.types = "typedef struct {\n" + "\n".join(members) + f"\n}} {row};\n"
    return inputs


def _number_column(name: str, column: Any, at: int, code: Code) -> tuple[str, str, list[str]]:
    minus = "".join(f" - {text.number(part, code.outer)}" for part in exact_parts(column.mean, code))
    scale = text.number(column.scale, code.outer)
    value = f"v[{at}] = {code.inwards}((row->{name}{minus}) / {scale});".replace("- -", "+ ")
    statements = [f"if (!isnan(row->{name}))", f"    {value}"]
    if column.missing:
        statements += ["else", f"    v[{at + 1}] = 1;"]
    return f"{code.scaled} ", f"{unit_of(column)}, NAN where missing", statements


def unit_of(column: Any) -> str:
    """Return what a column of numbers is given as."""
    if column.kind == "date":
        return "days since 1970-01-01 UTC"
    return "seconds" if column.reading is not None and column.reading.durations else "a number"


def _category_column(name: str, column: Any, at: int, code: Code) -> tuple[str, str, list[str]]:
    n = len(column.categories)
    missing = [f"v[{at + n}] = 1;"] if column.missing else []
    if column.kind == "boolean":
        statements = [f"if (row->{name} < 0)", f"    {missing[0]}"] if missing else []
        for value, condition in (("false", "== 0"), ("true", "> 0")):
            if value in column.categories:
                statements += [
                    f"if (row->{name} {condition})",
                    f"    v[{at + column.categories.index(value)}] = 1;",
                ]
        return "int ", "1 for true, 0 for false, -1 where missing", statements
    table = f"{code.prefix}{name}_categories"
    code.constants.append(_strings(table, column.categories))
    find = code.need("find", FIND)
    other = [f"else v[{at + n + column.missing}] = 1;"] if column.other else []
    statements = [
        f"if (row->{name} != NULL && row->{name}[0] != '\\0') {{",
        f"    j = {find}(row->{name}, {table}, {n});",
        "    if (j >= 0)",
        f"        v[{at} + j] = 1;",
        *(f"    {line}" for line in other),
        "}",
    ]
    if missing:
        statements += ["else", f"    {missing[0]}"]
    return "const char *", "a category without surrounding blanks, NULL where missing", statements


def _strings(name: str, texts: list[str]) -> str:
    lines = text.wrap(f"{text.string(one)}," for one in texts)
    return f"static const char *const {name}[{len(texts)}] = {{\n{lines}\n}};\n"


def _listed(names: Any, n: int) -> list[str]:
    if names is None:
        return [f"x: {n} feature{'s' if n > 1 else ''}."]
    return ["x: the features " + ", ".join(map(str, names)) + "."]
