"""The guard: before anything is timed, peers must have computed what chainrule computed."""

from collections.abc import Mapping

import numpy as np

#: Relative differences, in the norm of all numbers of a kind, that rounding explains; float32, float64.
TOLERANCES = {
    "loss": (3e-4, 1e-11),
    "change": (1e-2, 1e-10),
    "output": (1e-4, 1e-11),
    "gradient": (1e-4, 1e-11),
    "class": (0.0, 0.0),
}

#: Fits go through thousands of steps, in which rounding errors grow as they do in any trajectory.
LONG_TOLERANCES = {"loss": 1e-6, "output": 1e-4, "epochs": 0.0, "parameters": 1e-3}

Evidence = Mapping[str, list[float]]


def differences(ours: Evidence, theirs: Evidence) -> dict[str, float]:
    """Relative differences of what both show: norm of the difference / norm of ours, of each kind.

    Losses of an unequal number of epochs are compared as far as both go. Numbers that are not finite, or
    nothing to compare, make a difference that is infinite.
    """
    shared = [kind for kind in theirs if kind in ours]
    found = {}
    for kind in shared:
        n = min(len(ours[kind]), len(theirs[kind]))
        a, b = np.asarray(ours[kind][:n]), np.asarray(theirs[kind][:n])
        difference = np.linalg.norm(a - b) / (np.linalg.norm(a) or 1.0) if n else np.inf
        found[kind] = float(difference) if np.isfinite(difference) else float("inf")
    return found or {"nothing": float("inf")}


def disagreement(found: Mapping[str, float], dtype: str, *, long: bool = False) -> str | None:
    """Say which differences are beyond rounding; None where all are within.

    Parameters
    ----------
    found : mapping
        Of `differences`.
    dtype : {"float32", "float64"}
        In which it was computed.
    long : bool
        Whether it was a whole fit.
    """
    which = 0 if dtype == "float32" else 1
    tolerance = LONG_TOLERANCES if long else {kind: both[which] for kind, both in TOLERANCES.items()}
    beyond = [
        f"{kind} by {value:.1e}, at most {tolerance.get(kind, 0.0):.0e} is rounding"
        for kind, value in found.items()
        if not value <= tolerance.get(kind, 0.0)
    ]
    return f"computes something else: differs in {'; '.join(beyond)}" if beyond else None
