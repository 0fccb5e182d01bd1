"""Schedules of networks for tables: functions of t in [0, 1], the part of the training that is done.

t is taken at the start of a step.

Source: D. Holzmueller, L. Grinsztajn and I. Steinwart, Better by default: strong pre-tuned MLPs and boosted
trees on tabular data, NeurIPS 2024 (arXiv:2407.04491), section 3.
"""

from __future__ import annotations

import math


def coslog4(t: float) -> float:
    """1/2 (1 - cos(2 pi log2(1 + 15 t))): four cycles of the learning rate, each twice as long as the last.

    It is 0 at t = 0, 1/15, 3/15, 7/15 and 1, where a training of 256 epochs has finished 17, 51, 119 and 256:
    the network of each zero is a finished one. Computed as sin^2(pi log2(1 + 15 t)).

    Examples
    --------
    >>> [round(coslog4(t), 6) for t in (0.1, 0.25, 0.75)]
    [0.718355, 0.493489, 0.875658]
    """
    return math.sin(math.pi * math.log2(1 + 15 * t)) ** 2


def flat_cos(t: float) -> float:
    """1/2 (1 + cos(pi (max(1, 2t) - 1))): 1 for the first half, then down to 0, for dropout and decay.

    Examples
    --------
    >>> [round(flat_cos(t), 6) for t in (0.0, 0.5, 0.75, 0.9, 1.0)]
    [1.0, 1.0, 0.5, 0.095492, 0.0]
    """
    return 0.5 * (1 + math.cos(math.pi * (max(1.0, 2 * t) - 1)))
