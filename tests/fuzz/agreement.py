"""Engine, reference and scikit-learn against each other: the draws of their own tests, without end."""

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

from engine.networks import DTYPES, ISAS
from engine.test_against_reference import check, random_case
from estimators.test_same_numbers import cases, compare
from fuzz.mutation import pick

WIDTHS = [1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 48, 49, 64, 65, 100]
ONE = settings(
    max_examples=1, database=None, deadline=None, derandomize=False, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def case(rng):
    """Compare a network with the reference, or a fit with scikit-learn's."""
    if rng.integers(2):
        check(random_case(rng, widths=WIDTHS, isa=pick(rng, ISAS), dtype=pick(rng, DTYPES)))
    else:
        # Hypothesis' first example is always the smallest one: the second is drawn.
        drawn = seed(int(rng.integers(2**62)))(settings(ONE, max_examples=2)(given(cases())(compare)))
        drawn()


check(random_case(np.random.default_rng(0), widths=[3], isa=ISAS[0], dtype=DTYPES[0]))
settings(ONE)(given(cases())(compare))()
