"""Every step's number computed again: as written, by the reference, by the engine, by complex step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.derive.derivation import DerivationData
from chainrule.derive.drawing import elsewhere, with_numbers
from chainrule.derive.expression import Expr, Floats, Gradient, Symbol
from chainrule.derive.instances import instances
from chainrule.derive.later import later_updates
from chainrule.derive.program import Numbers
from chainrule.derive.references import from_the_engine, from_the_reference
from chainrule.derive.steps import Step

WAYS = ("as_written", "reference", "engine", "complex_step")
TOLERANCE = 1e-10
TOLERANCE_FLOAT32 = 1e-3  # of the engine, where it computes in float32
ROUNDINGS = 64  # how many roundings of the largest term a difference may have
CHAIN = 8  # how much more a formula of any layer k may have, whose terms have lost something before
MOST_PASSES = 2_000  # forward passes for the complex step of one parameter; beyond, elements are drawn


class DerivationError(ArithmeticError):
    """A step is wrong; `report` has all of them."""

    def __init__(self, message: str, report: VerificationReport) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class StepCheck:
    """How the number of one step compares.

    Attributes
    ----------
    key, equation : str
        Of the step.
    as_written, reference, engine, complex_step : float or None
        Largest difference over the largest magnitude: of all forms of the step, evaluated as written; of the
        reference's number; of the engine's; of the complex step's. None where there is nothing to compare.
    allowed : float
        The largest difference that passes, rounding considered.
    failed : tuple of str
        Which of the four do not pass.
    counts : tuple of int
        How many elements the complex step has looked at, of how many.
    """

    key: str
    equation: str
    as_written: float | None
    reference: float | None
    engine: float | None
    complex_step: float | None
    allowed: float
    failed: tuple[str, ...]
    counts: tuple[int, int]

    @property
    def passed(self) -> bool:
        """Whether all of them pass."""
        return not self.failed

    def with_engine(self, difference: float, limit: float) -> StepCheck:
        """Return the check with a further difference of the engine's."""
        if self.engine is not None:
            limit, difference = max(limit, self.allowed), max(difference, self.engine)
        failed = [*self.failed, *["engine"] * (not difference <= limit)]
        return replace(self, engine=difference, failed=tuple(way for way in WAYS if way in failed))

    def worse(self, other: StepCheck) -> StepCheck:
        """Return the larger differences of two checks of the same step, and what fails in either."""
        pairs = {way: (getattr(self, way), getattr(other, way)) for way in WAYS}
        largest: dict[str, Any] = {
            way: max((d for d in both if d is not None), default=None) for way, both in pairs.items()
        }
        failed = tuple(way for way in WAYS if way in self.failed + other.failed)
        return replace(self, **largest, allowed=max(self.allowed, other.allowed), failed=failed)


@dataclass(frozen=True)
class VerificationReport:
    """Result of `Derivation.verify`: true where every step passed, and printed as a table.

    Attributes
    ----------
    steps : tuple of StepCheck
        In the derivation's order.
    tolerance : float
        Largest relative difference that passes where rounding does not explain more.
    drawn : bool
        Whether the sample was drawn because the derivation had none.
    """

    steps: tuple[StepCheck, ...]
    tolerance: float
    drawn: bool

    @property
    def passed(self) -> bool:
        """Whether every step passed."""
        return all(step.passed for step in self.steps)

    def __bool__(self) -> bool:
        return self.passed

    @property
    def largest(self) -> dict[str, float]:
        """Largest relative difference of each way of computing."""
        found = {way: [getattr(step, way) for step in self.steps] for way in WAYS}
        return {way: max((v for v in values if v is not None), default=0.0) for way, values in found.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the table as what JSON can hold."""
        rows = [
            {way: _json(getattr(step, way)) for way in WAYS}
            | {"key": step.key, "equation": step.equation, "passed": step.passed, "failed": list(step.failed)}
            for step in self.steps
        ]
        largest = {way: _json(value) for way, value in self.largest.items()}
        return {"passed": self.passed, "tolerance": self.tolerance, "largest": largest, "steps": rows}

    def __str__(self) -> str:
        table: list[tuple[str, ...]] = [
            ("step", "equation", "as written", "reference", "engine", "complex step", "")
        ]
        for step in self.steps:
            cells = ("–" if getattr(step, way) is None else f"{getattr(step, way):.1e}" for way in WAYS)
            verdict = "" if step.passed else f"FAILED: {', '.join(step.failed).replace('_', ' ')}"
            table.append((step.key, step.equation, *cells, verdict))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        n_failed = sum(not step.passed for step in self.steps)
        verdict = f"FAILED in {n_failed} of {len(self.steps)} steps" if n_failed else "passed"
        largest = max(self.largest.values())
        sample = ", sample drawn at random" if self.drawn else ""
        some = [step for step in self.steps if step.counts[0] < step.counts[1]]
        part = f", complex step of {some[0].counts[0]} elements of the largest arrays" if some else ""
        lines.append(
            f"{verdict}: {len(self.steps)} steps, largest relative difference {largest:.1e}{sample}{part}"
        )
        return "\n".join(lines)


def verify(derivation: DerivationData, tolerance: float = TOLERANCE) -> VerificationReport:
    """Compute the number of every step again, in four ways, at the sample and at a place drawn at random.

    The second place is for what the sample hides: a factor that happens to be 1, a unit that is at rest. A
    step of any layer k is written out for every layer that there is. Of an update the engine also makes some
    more, for the memory of the optimizer.

    Parameters
    ----------
    derivation : DerivationData
        Parameters and sample are drawn where it has no numbers.
    tolerance : float
        Largest difference over the largest magnitude that passes. More is allowed where terms cancel: 64
        roundings of the terms' magnitude. The engine has 1e-3 where it computes in float32.

    Returns
    -------
    VerificationReport
        One row per step with numbers.
    """
    drawn = derivation.numbers is None
    derivation = with_numbers(derivation)
    checks = _check(derivation, tolerance)
    targets = {step.key: step.target for step in derivation.steps}
    later = later_updates(derivation)
    limit = TOLERANCE_FLOAT32 if derivation.model.dtype == "float32" else tolerance
    checks = [
        check.with_engine(_difference(*later[targets[check.key]]), limit)
        if targets[check.key] in later
        else check
        for check in checks
    ]
    there = elsewhere(derivation)
    if there is not None:
        found = {check.key: check for check in _check(there, tolerance)}
        checks = [check.worse(found[check.key]) if check.key in found else check for check in checks]
    return VerificationReport(tuple(checks), tolerance, drawn)


def _check(derivation: DerivationData, tolerance: float) -> list[StepCheck]:
    """Compare every step at one place, the steps of any layer k at every layer."""
    numbers = derivation.numbers
    assert numbers is not None
    known = {"reference": from_the_reference(derivation), "engine": from_the_engine(derivation)}
    fresh = Numbers(derivation.context.definitions, numbers.arrays)  # no derivative kept from before
    losses: dict[str, float] = {}
    checks = []
    single = derivation.model.dtype == "float32"
    for step in derivation.steps:
        if step.symbolic:
            checks += _check_any_layer(derivation, step, fresh, tolerance)
            continue
        value = np.asarray(numbers.arrays[step.target])
        written = [form.expression for form in step.forms] + [step.lhs] * (
            isinstance(step.lhs, Symbol) and not step.assignment
        )
        floor = _rounding(step, value, fresh, losses)
        differences: dict[str, float | None] = {
            "as_written": max(_difference(_evaluated(expression, fresh), value) for expression in written)
        }
        if not _shapes_are_right(step, numbers):
            differences["as_written"] = float("inf")
        for way, found in known.items():
            differences[way] = _difference(found[step.target], value) if step.target in found else None
        differences["complex_step"], counts = _complex_step(step, value, fresh)
        allowed = tolerance + floor
        limits = dict.fromkeys(WAYS, allowed)
        if single:
            limits["engine"] = max(allowed * 2.0**29, TOLERANCE_FLOAT32)
        failed = tuple(way for way in WAYS if (d := differences[way]) is not None and not d <= limits[way])
        checks.append(
            StepCheck(step.key, step.equation, **differences, allowed=allowed, failed=failed, counts=counts)
        )
    return checks


def _check_any_layer(
    derivation: DerivationData, step: Step, numbers: Numbers, tolerance: float
) -> list[StepCheck]:
    """Compare both sides of a step of any layer k at every layer; nothing where no layer is so plain."""
    differences, floors = [], []
    for lhs, forms in instances(derivation.context, step):
        value = _evaluated(lhs, numbers)
        scale = float(np.max(np.abs(value)))
        largest = max(float(np.max(np.abs(form.magnitude(numbers)))) for form in forms)
        floors.append(CHAIN * ROUNDINGS * np.finfo(np.float64).eps * largest / scale if scale > 0 else 0.0)
        differences.append(max(_difference(_evaluated(form, numbers), value) for form in forms))
    if not differences:
        return []
    allowed = tolerance + max(floors)
    failed = () if max(differences) <= allowed else ("as_written",)
    return [
        StepCheck(step.key, step.equation, max(differences), None, None, None, allowed, failed, counts=(0, 0))
    ]


def _evaluated(expression: Expr, numbers: Numbers) -> Floats:
    """Return an expression's value, NaN where it speaks of something that has none."""
    try:
        return np.asarray(expression.evaluate(numbers))
    except KeyError:
        return np.array(np.nan)


def _shapes_are_right(step: Step, numbers: Numbers) -> bool:
    """Whether every symbol's number has the shape that is said to be its own."""
    known = [symbol for symbol in step.symbols if symbol.key in numbers.arrays]
    return all(numbers.arrays[symbol.key].shape[-2:] == symbol.shape for symbol in known)


def _difference(found: Floats, expected: Floats) -> float:
    """Largest difference over the largest magnitude expected; as it is where that is 0, infinite for NaN."""
    try:
        found = np.broadcast_to(found, np.broadcast_shapes(found.shape, expected.shape))
    except ValueError:
        return float("inf")
    if found.shape != expected.shape:
        return float("inf")
    difference, scale = float(np.max(np.abs(found - expected))), float(np.max(np.abs(expected)))
    if not np.isfinite(difference):
        return float("inf")
    return difference / scale if scale > 0 else difference


def _rounding(step: Step, value: Floats, numbers: Numbers, losses: dict[str, float]) -> float:
    """How much rounding may take: what the step's terms lose, and what went in had lost; relative."""
    scale = float(np.max(np.abs(value)))
    largest = max(float(np.max(np.abs(form.expression.magnitude(numbers)))) for form in step.forms)
    own = ROUNDINGS * np.finfo(np.float64).eps * largest / scale if scale > 0 else 0.0
    ignored = {step.target} if step.target == "batch.E" else {step.target, "E"}  # E has lost more than dE
    before = [losses.get(symbol.key, 0.0) for symbol in step.symbols if symbol.key not in ignored]
    losses[step.target] = own + max(before, default=0.0)
    return losses[step.target]


def _complex_step(step: Step, value: Floats, numbers: Numbers) -> tuple[float | None, tuple[int, int]]:
    """Compare with the complex step through the definitions, where the step is a derivative."""
    of, wrt, batch = _derivative(step, numbers)
    if of is None or wrt is None:
        return None, (0, 0)
    if step.target.startswith(("jacobian.", "prime.")):
        jacobian = numbers.partial(of, wrt, direct=True)
        if step.target.startswith("prime."):
            jacobian = np.diagonal(jacobian, axis1=-2, axis2=-1)[..., None, :]
        return _difference(jacobian, value), (jacobian[0].size, jacobian[0].size)
    rows, columns = numbers.arrays[wrt.key].shape[-2:]
    places = [(i, j) for i in range(rows) for j in range(columns)]
    n_elements = len(places)
    if len(places) > MOST_PASSES:
        drawn = np.random.default_rng(0).choice(len(places), MOST_PASSES, replace=False)
        places = [places[i] for i in drawn]
    found = np.stack([d[..., 0] for d in numbers.elements(of, wrt, places)], axis=-1)
    given = np.stack([value[..., i, j] for i, j in places], axis=-1)
    return _difference(found.mean(axis=0) if batch else found, given), (len(places), n_elements)


def _derivative(step: Step, numbers: Numbers) -> tuple[Symbol | None, Symbol | None, bool]:
    """Return what is differentiated by what, and whether the mean over the rows is meant."""
    symbols = {line.symbol.key: line.symbol for line in numbers.definitions}
    if step.target.startswith("prime."):
        argument = step.lhs.children[0]
        assert isinstance(argument, Symbol)
        return _result_of(argument, numbers), argument, False
    if step.target.startswith("delta."):
        return symbols["E"], symbols[f"net.{step.target.partition('.')[2]}"], False
    lhs = step.lhs
    if not isinstance(lhs, Gradient) or lhs.of is None:
        return None, None, False
    return symbols.get(lhs.of.key, symbols["E"]), lhs.wrt, lhs.of.key == "batch.E"


def _result_of(argument: Symbol, numbers: Numbers) -> Symbol | None:
    """Return the symbol that the activation makes of its argument: the next definition that has it."""
    for line in numbers.definitions:
        if argument in list(line.expression.symbols()):
            return line.symbol
    return None


def _json(value: float | None) -> float | None:
    """Return what JSON has: no infinity, no NaN."""
    return value if value is not None and np.isfinite(value) else None
