"""From an expression to boxes: what stands beside, above and below what, before any one format.

Precedence, loosest first: sums, Hadamard products, matrix products and scalings, powers and transposes. A
matrix product in a Hadamard product has parentheses all the same: readers need not know which binds tighter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chainrule.derive import expression as ex
from chainrule.derive import terms as te
from chainrule.derive.expression import Expr, Glyph, Symbol

SUM, HADAMARD, PRODUCT, POWER, ATOM = range(1, 6)

MOST_BESIDE = 16  # parts of a row that are written


@dataclass(frozen=True)
class Box:
    """Something to set."""


@dataclass(frozen=True)
class Ident(Box):
    """A name; `upright` where it is a word."""

    text: str
    upright: bool = False


@dataclass(frozen=True)
class Num(Box):
    """Digits."""

    text: str


@dataclass(frozen=True)
class Op(Box):
    """An operator: infix ones have space around them, prefix ones none."""

    text: str
    form: Literal["infix", "prefix", "separator"] = "infix"


@dataclass(frozen=True)
class Row(Box):
    """Boxes side by side."""

    items: tuple[Box, ...]


@dataclass(frozen=True)
class Marked(Box):
    """What belongs to a symbol, with its key, so that a page can light it up."""

    key: str
    body: Box


@dataclass(frozen=True)
class Accent(Box):
    """A hat or a bar over a name."""

    body: Box
    accent: str


@dataclass(frozen=True)
class Script(Box):
    """A base with an index and an exponent."""

    base: Box
    below: Box | None = None
    above: Box | None = None


@dataclass(frozen=True)
class Frac(Box):
    """A fraction; `factor` where it stands in a product, which a single line must show."""

    above: Box
    below: Box
    derivative: bool = False
    factor: bool = False


@dataclass(frozen=True)
class Exp(Box):
    """The exponential function, e with an exponent."""

    exponent: Box


@dataclass(frozen=True)
class Fence(Box):
    """Something between brackets."""

    left: str
    body: Box
    right: str


@dataclass(frozen=True)
class Apply(Box):
    """A function before its argument in parentheses."""

    name: Box
    argument: Box


@dataclass(frozen=True)
class Piecewise(Box):
    """Expressions and their conditions behind one brace."""

    rows: tuple[tuple[Box, Box], ...]


@dataclass(frozen=True)
class Diagonal(Box):
    """A diagonal matrix: its first and last entries written out; `line` is how to say it in one line."""

    first: Box
    last: Box | None
    line: Box


@dataclass(frozen=True)
class Big(Box):
    """A sum sign with what stands below and above it, and what is summed."""

    below: Box
    above: Box | None
    body: Box


MINUS, PLUS, DOT, RING, INVISIBLE = Op("−"), Op("+"), Op("·"), Op("∘"), Op("\u2062")


def fenced(body: Box) -> Box:
    """Put parentheses around."""
    return Fence("(", body, ")")


class Layout:
    """Boxes of expressions.

    Parameters
    ----------
    sample : bool
        Whether symbols that each row has for itself carry the row's index (i).
    entry : str
        Index of the unit to write symbols for, "" for whole rows.
    """

    def __init__(self, sample: bool = False, entry: str = "") -> None:
        self.sample, self.entry = sample, entry

    @property
    def _ring(self) -> Box:
        """Hadamard's product; of single entries it is the product of numbers."""
        return INVISIBLE if self.entry else RING

    def box(self, expression: Expr, loosest: int = SUM) -> Box:
        """Return the box, in parentheses where the expression binds more loosely than `loosest`."""
        binding, box = self._box(expression)
        return fenced(box) if binding < loosest else box

    def _box(self, e: Expr) -> tuple[int, Box]:
        match e:
            case ex.Gradient():
                return PRODUCT + 0, self.gradient(e)
            case Symbol():
                return ATOM, self.symbol(e)
            case ex.Number():
                return (ATOM if e.value >= 0 else SUM), number(e)
            case ex.Sum():
                return SUM, self._sum(e)
            case ex.Scaled():
                return PRODUCT, self._scaled(e)
            case ex.Hadamard():
                return HADAMARD, self._hadamard(e)
            case ex.MatMul():
                return PRODUCT, self._matmul(e)
            case ex.Quotient():
                return PRODUCT, Frac(self.box(e.above), self.box(e.below))
            case ex.Power():
                return POWER, Script(self._base(e.base), None, self.box(e.exponent))
            case ex.Transpose(te.Ones()):
                return ATOM, Num("𝟏")
            case ex.Transpose():
                return POWER, self._with_exponent(self._base(e.operand), Ident("⊤"))
            case te.Partial():
                return PRODUCT, self.fraction(e.of, e.wrt)
        return self._atom(e)

    def _atom(self, e: Expr) -> tuple[int, Box]:
        match e:
            case te.Call() if e.function.name == "exp":
                return POWER, Exp(self.box(e.argument))
            case te.Call() if e.function.name == "sqrt":
                return ATOM, Apply(Ident("√"), self.box(e.argument))
            case te.Call() if e.function.name == "abs":
                return ATOM, Fence("|", self.box(e.argument), "|")
            case te.Call():
                return ATOM, Apply(function_name(e.function), self.box(e.argument))
            case te.Diag():
                return ATOM, self._diag(e)
            case te.Identity():
                return ATOM, Script(Ident("I"), size(e.n))
            case te.Constant():
                letter, _, number_of = e.text.partition("_")
                return ATOM, Script(Ident(letter), index(number_of)) if number_of else Ident(letter)
            case te.Columns():
                return ATOM, self._columns(e)
            case te.Beside():
                return ATOM, Fence("[", self._beside(e), "]")
            case te.OneHot():
                return ATOM, Apply(Ident("onehot", upright=True), self.box(e.operand))
            case te.LossCall():
                arguments = Row((self.box(e.output), Op(",", "separator"), self.box(e.target)))
                return ATOM, Apply(Ident("∇L" if e.gradient else "L"), arguments)
            case te.Ones():
                return ATOM, Script(Num("𝟏"), None, Ident("⊤"))
            case te.Stacked():
                return ATOM, self._stacked(e)
            case te.TimesLog():
                logarithm = Apply(Ident("log", upright=True), self.box(e.argument))
                return HADAMARD, Row((self.box(e.factor, PRODUCT), self._ring, logarithm))
            case te.SumUnits():
                return self._sum_units(e)
            case te.NormSquared():
                return POWER, Script(Fence("‖", self.box(e.operand), "‖"), None, Num("2"))
            case te.ColumnNorms():
                column = Layout(self.sample, "j").symbol(e.operand)
                return ATOM, Fence("‖", column, "‖")
            case te.SumSamples():
                body = Layout(sample=True, entry=self.entry).box(e.operand, HADAMARD)
                below = Row((Ident("i"), Op("="), Num("1")))
                return PRODUCT, Big(below, size(e.n_samples), body)
            case te.Cases():
                rows = tuple((self.box(value), self.condition(c)) for value, c in e.branches)
                return ATOM, Piecewise(rows)
            case te.Indicator():
                return ATOM, Fence("[", self.condition(e.condition), "]")
        raise TypeError(f"no layout for {type(e).__name__}")

    def condition(self, condition: te.Condition) -> Box:
        """Return the box of a comparison."""
        sign = {">=": "≥", "<=": "≤"}.get(condition.relation, condition.relation)
        return Row((self.box(condition.left), Op(sign), self.box(condition.right)))

    def symbol(self, symbol: Symbol, glyph: Glyph | None = None) -> Box:
        """Return a symbol with its index, accent and marks."""
        glyph = glyph or symbol.glyph
        base: Box = Ident(glyph.base, upright=len(glyph.base) > 1)
        if glyph.accent:
            base = Accent(base, glyph.accent)
        below = index(glyph.index)
        if self.entry and symbol.shape[1] != 1 and not symbol.scalar:
            below = Row((below, Op(",", "separator"), Ident(self.entry))) if below else Ident(self.entry)
        above = fenced(Ident("i")) if self.sample and symbol.per_row else None
        if glyph.index.endswith("′"):
            raise ValueError(f"{glyph.index!r} is no index")
        return Marked(symbol.key, Script(base, below, above) if below or above else base)

    def gradient(self, gradient: ex.Gradient) -> Box:
        """Return a gradient as a fraction, marked with its own key."""
        assert gradient.of is not None
        assert gradient.wrt is not None
        return Marked(gradient.key, self.fraction(gradient.of, gradient.wrt))

    def fraction(self, of: Symbol, wrt: Symbol) -> Box:
        """Return d of / d wrt."""
        above, below = (Row((Op("∂", "prefix"), self.symbol(s))) for s in (of, wrt))
        return Frac(above, below, derivative=True)

    def _base(self, e: Expr) -> Box:
        """Return what an exponent may stand at."""
        return self.box(e, ATOM)

    @staticmethod
    def _with_exponent(base: Box, exponent: Box) -> Box:
        """Put an exponent where the symbol keeps its own index."""
        match base:
            case Marked(key, Script(inner, below, None)):
                return Marked(key, Script(inner, below, exponent))
            case Marked(key, Script(inner, below, above)) if above is not None:
                return Marked(key, Script(inner, below, Row((above, exponent))))
            case Marked(key, inner):
                return Marked(key, Script(inner, None, exponent))
        return Script(base, None, exponent)

    def _sum(self, e: ex.Sum) -> Box:
        items: list[Box] = []
        for i, (sign, term) in enumerate(e.terms):
            negative_number = isinstance(term, ex.Number) and term.value < 0
            box = self.box(term, HADAMARD)
            if i:
                items.append(PLUS if sign == 1 else MINUS)
            elif sign == -1:
                items.append(Op("−", "prefix"))
            items.append(fenced(box) if negative_number and (i or sign == -1) else box)
        return Row(tuple(items)) if len(items) > 1 else items[0]

    def _scaled(self, e: ex.Scaled) -> Box:
        left, right = self._factor(e.left), self._factor(e.right)
        both = isinstance(e.right, ex.Number)
        return Row((left, DOT if both else INVISIBLE, right))

    def _hadamard(self, e: ex.Hadamard) -> Box:
        items: list[Box] = []
        for factor in e.factors:
            box = as_factor(self.box(factor, PRODUCT))
            product = isinstance(factor, ex.MatMul) and len(factor.factors) > 1
            items += [self._ring] * bool(items) + [fenced(box) if product else box]
        return Row(tuple(items))

    def _matmul(self, e: ex.MatMul) -> Box:
        fractions = any(
            isinstance(factor, te.Partial | ex.Gradient | te.Diag | te.Identity) for factor in e.factors
        )
        items: list[Box] = []
        for factor in e.factors:
            items += [DOT if fractions else INVISIBLE] * bool(items) + [self._factor(factor)]
        return Row(tuple(items))

    def _factor(self, e: Expr) -> Box:
        return as_factor(self.box(e, PRODUCT))

    def _diag(self, e: te.Diag) -> Box:
        line = Apply(Ident("diag", upright=True), self.box(e.operand))
        if not e.opened:
            return line
        n = e.shape[1]
        first = Layout(self.sample, "1").box(e.operand)
        last = None if n == 1 else Layout(self.sample, str(n)).box(e.operand)
        return Diagonal(first, last, line)

    def _columns(self, e: te.Columns) -> Box:
        """Write columns, counted from 1, as an index: 0,3 or 0,3:5."""
        first, last = Num(str(e.begin + 1)), Num(str(e.end))
        which = first if e.end == e.begin + 1 else Row((first, Ident(":"), last))
        if isinstance(e.operand, ex.Gradient):
            return Script(fenced(self.gradient(e.operand)), which)
        below = index(e.operand.glyph.index)
        base = Ident(e.operand.glyph.base)
        return Marked(
            e.operand.key, Script(base, Row((below, Op(",", "separator"), which)) if below else which)
        )

    def _beside(self, e: te.Beside) -> Box:
        """Write parts with commas between them; of very many the first and the last."""
        parts = [self.box(part) for part in e.parts]
        if len(parts) > MOST_BESIDE:
            parts = [*parts[: MOST_BESIDE - 2], Ident("…"), parts[-1]]
        items: list[Box] = []
        for part in parts:
            items += [Op(",", "separator"), INVISIBLE] * bool(items) + [part]
        return Row(tuple(items))

    def _stacked(self, e: te.Stacked) -> Box:
        glyph = e.symbol.glyph
        base = {"x": "X", "δ": "Δ", "hidden": "H", "y": "Y"}.get(glyph.base, glyph.base.upper())
        return Layout().symbol(e.symbol, Glyph(base, glyph.index, glyph.accent))

    def _sum_units(self, e: te.SumUnits) -> tuple[int, Box]:
        if e.mean:
            return ATOM, Apply(Ident("mean", upright=True), self.box(e.operand))
        return PRODUCT, Big(Ident("j"), None, Layout(self.sample, self.entry or "j").box(e.operand, HADAMARD))


def as_factor(box: Box) -> Box:
    """Tell a fraction that it stands in a product."""
    if isinstance(box, Frac) and not box.derivative:
        return Frac(box.above, box.below, factor=True)
    return box


def number(n: ex.Number) -> Box:
    """Return a constant's box."""
    text = n.text or f"{n.value:g}"
    return Num(text.replace("-", "−")) if text[-1].isdigit() or text[0].isdigit() else Ident(text)


def size(n: ex.Size) -> Box:
    """Return a width's box: a number or a name like n_{k+1}."""
    if isinstance(n, int):
        return Num(str(n))
    base, _, below = n.partition("_")
    return Script(Ident(base), index(below)) if below else Ident(base)


def index(text: str) -> Box | None:
    """Return the box of an index such as "2" or "k+1", None for none."""
    if not text:
        return None
    if text.isdigit():
        return Num(text)
    base, plus, more = text.partition("+")
    return Row((Ident(base), Op("+"), Num(more))) if plus else Ident(base)


WRITTEN = {
    "normal_cdf": "Φ",
    "normal_density": "φ",
    "sigmoid": "σ",
}


def function_name(function: te.Function) -> Box:
    """Return the name of a function, f with index and prime for activations."""
    name = WRITTEN.get(function.name, function.name)
    base: Box = Ident(name, upright=len(name) > 1)
    above = Op("′" * function.prime, "prefix") if function.prime else None
    below = index(function.index)
    return Script(base, below, above) if below or above else base
