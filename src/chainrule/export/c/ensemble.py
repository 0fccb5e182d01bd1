"""A Tabular model as parts of a C file: columns, a function for each member, their average, the decision."""

from __future__ import annotations

import numpy as np

from chainrule.export.c import text
from chainrule.export.c.inputs import Inputs, exact_parts, unit_of
from chainrule.export.c.layers import Code
from chainrule.export.c.outputs import Result, class_table
from chainrule.export.ensembles import MOST, Category, EnsembleParts, Number
from chainrule.tabular.calibration import TINY

SCALED = """\
/* A centered number, scaled and softly clipped to -3 and 3; 0 where it is missing. */
static {real} {p}scaled({real} x, {real} factor)
{{
    if (isnan(x) || factor == 0)
        return 0;
    x *= factor;
    x = x < -MOST ? -MOST : x > MOST ? MOST : x;
    return x / sqrt{f}(1 + x / 3 * (x / 3));
}}
""".replace("MOST", f"{MOST:.1f}{{f}}")

CODE = """\
/* The code of a text by its place in a sorted list; -1 where it is not there. */
static int {p}code(const char *text, const char *const *list, const int *codes, int n)
{{
    int low = 0, high = n;
    while (low < high) {{
        const int middle = low + (high - low) / 2, order = strcmp(text, list[middle]);
        if (order == 0)
            return codes[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }}
    return -1;
}}
"""

COPY = """\
static void {p}copy(const {real} *from, int n, {real} *into)
{{
    int i;
    for (i = 0; i < n; ++i)
        into[i] = from[i];
}}
"""

CALIBRATE = """\
/* Probabilities by a temperature, then a step towards uniform, after n rows. */
static void {p}calibrate({real} *p, int n_classes, {real} temperature, {real} n)
{{
    int j;
    {real} top, total = 0;
    for (j = 0; j < n_classes; ++j)
        p[j] = log{f}(p[j] > TINY ? p[j] : TINY) / temperature;
    for (top = p[0], j = 1; j < n_classes; ++j)
        if (p[j] > top)
            top = p[j];
    for (j = 0; j < n_classes; ++j)
        total += p[j] = exp{f}(p[j] - top);
    for (j = 0; j < n_classes; ++j)
        p[j] = (n * (p[j] / total) + 1 / {cast}n_classes) / (n + 1);
}}
""".replace("TINY", f"{TINY}{{f}}")


WHOLE = """\
/* Let probabilities sum to 1. */
static void {p}whole({real} *p, int n)
{{
    int j;
    {real} total = 0;
    for (j = 0; j < n; ++j)
        total += p[j];
    for (j = 0; j < n; ++j)
        p[j] /= total;
}}
"""


def ensemble_inputs(parts: EnsembleParts, code: Code) -> Inputs:
    """Take an array of numbers, or a struct with a member for each column that is used."""
    n = parts.n_inputs
    if parts.named:
        row = f"{code.prefix}row"
        note = "row: a table's row, as its columns are described in the struct."
        inputs = Inputs(f"const {row} *row", [note], "v")
    else:
        features = f"x: {parts.n_columns} feature{'s' if parts.n_columns > 1 else ''}, NAN where missing."
        inputs = Inputs(f"const {code.scaled} x[{parts.n_columns}]", [features], "v")
    inputs.locals = [f"{code.real} v[{n}];"]
    members = []
    names = text.identifiers([one.column.name for one in parts.columns])
    for name, one in zip(names, parts.columns, strict=True):
        if isinstance(one, Category):
            ctype, says, statements = _category(name, one, code)
        else:
            source = f"row->{name}" if parts.named else f"x[{one.column.place}]"
            ctype, says, statements = _number(source, one, code)
        members.append(f"    {ctype}{name}; {text.remark(f'{one.column.name!r}: {says}')}")
        inputs.statements += statements
    if parts.named:
        inputs.types = "typedef struct {\n" + "\n".join(members) + f"\n}} {row};\n"
    return inputs


def _number(source: str, number: Number, code: Code) -> tuple[str, str, list[str]]:
    minus = "".join(f" - {text.number(part, code.outer)}" for part in exact_parts(number.center, code))
    factor = text.number(number.factor, code.outer)
    scaled = code.need("scaled", SCALED, outer=True)
    value = f"v[{number.at}] = {code.inwards}{scaled}({source}{minus}, {factor});".replace("- -", "+ ")
    statements = [value]
    if number.flag is not None:
        statements.append(f"v[{number.flag}] = isnan({source}) ? 1 : 0;")
    return f"{code.scaled} ", f"{unit_of(number.column)}, NAN where missing", statements


def _category(name: str, category: Category, code: Code) -> tuple[str, str, list[str]]:
    column = category.column
    words = column.categories.to_pylist()
    value, unseen, missing = f"row->{name}", column.n_codes, category.missing_code
    if column.boolean:
        ctype, says = "int ", "1 for true, 0 for false, -1 where missing"
        true, false = (words.index(word) if word in words else unseen for word in ("true", "false"))
        statements = [f"j = {value} > 0 ? {true} : {value} == 0 ? {false} : {missing};"]
    else:
        ctype, says = "const char *", "a category without surrounding blanks, NULL where missing"
        order = sorted(range(len(words)), key=lambda k: words[k].encode())
        table, codes = f"{code.prefix}{name}_categories", f"{code.prefix}{name}_codes"
        lines = text.wrap(f"{text.string(words[k])}," for k in order)
        code.constants.append(f"static const char *const {table}[{len(words)}] = {{\n{lines}\n}};\n")
        places = text.wrap(f"{k}," for k in order)
        code.constants.append(f"static const int {codes}[{len(words)}] = {{\n{places}\n}};\n")
        find = code.need("code", CODE)
        statements = [
            f"j = {missing};",
            f"if ({value} != NULL && {value}[0] != '\\0') {{",
            f"    j = {find}({value}, {table}, {codes}, {len(words)});",
            "    if (j < 0)",
            f"        j = {unseen};",
            "}",
        ]
    if category.at is not None:
        statements.append(f"v[{category.at}] = ({code.real})j;")
    for at, rows in category.tables:
        last, width = len(rows) - 1, rows.shape[1]
        full = f"{code.prefix}{name}_values{at}"
        code.constants.append(text.array(full, rows, code.dtype))
        row = "j" if last >= unseen else f"(j < {last} ? j : {last})"
        if width == 1:
            statements.append(f"v[{at}] = {full}[{row}];")
        else:
            copy = code.need("copy", COPY)
            statements.append(f"{copy}({full} + {row} * {width}, {width}, v + {at});")
    return ctype, says, statements


def ensemble_result(parts: EnsembleParts, code: Code) -> Result:
    """Say what the average of the members becomes: numbers, or probabilities and the decision."""
    n = parts.n_outputs
    if parts.classes is None:
        note = f"y: {n} prediction{'s' if n > 1 else ''}, in the target's own units."
        result = Result("void", f"{code.scaled} y[{n}]", [note], "y")
        names = {}
        for name in ("scale", "mean", "low", "high"):
            names[name] = f"{code.prefix}target_{name}"
            values = np.asarray(getattr(parts.target, name))
            code.constants.append(text.array(names[name], values, code.outer))
        result.statements = [
            f"for (j = 0; j < {n}; ++j) {{",
            f"    y[j] = y[j] * {names['scale']}[j] + {names['mean']}[j];",
            f"    y[j] = y[j] < {names['low']}[j] ? {names['low']}[j] : y[j];",
            f"    y[j] = y[j] > {names['high']}[j] ? {names['high']}[j] : y[j];",
            "}",
        ]
        return result
    table = f"{code.prefix}classes"
    shown = ", ".join(map(repr, parts.classes))
    result = Result(
        "int",
        f"{code.scaled} p[{n}]",
        [
            f"p: the probability of each class: {shown}.",
            f"Returns the index of the most probable class; {table}[] has their names.",
        ],
        "p",
    )
    result.classes = class_table(table, parts.classes, code)
    result.locals = ["int best = 0;"]
    result.statements = [f"for (j = 1; j < {n}; ++j)", "    if (p[j] > p[best])", "        best = j;"]
    if parts.temperature is not None:
        calibrate = code.need("calibrate", CALIBRATE, outer=True)
        numbers = (text.number(value, code.outer) for value in (parts.temperature, parts.n_watched))
        result.statements.append(f"{calibrate}(p, {n}, {', '.join(numbers)});")
    else:
        result.statements += [code.need("whole", WHOLE, outer=True) + f"(p, {n});"]
    result.statements.append("return best;")
    return result


def member_function(k: int, body: list[str], n: int, parts: EnsembleParts, code: Code) -> tuple[str, str]:
    """Return the name and the text of a function that adds a member's outputs, weighted, to the average."""
    name = f"{code.prefix}member{k}"
    lines = [
        f"static void {name}(const {code.real} *v, {code.scaled} *average)",
        "{",
        "    int j;",
        *(f"    {line}" for line in body),
        f"    for (j = 0; j < {n}; ++j)",
        f"        average[j] += {text.number(parts.members[k - 1][0], code.outer)} * {code.outwards}out[j];",
        "}",
    ]
    return name, "\n".join(lines) + "\n"
