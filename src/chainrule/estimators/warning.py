"""Warnings that point at the caller's line."""

import sys
import warnings

#: Frames of these packages are ours, or stand between ours: the user's line is the first outside.
INSIDE = ("chainrule.", "sklearn.callback", "contextlib")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, and name the line outside this package from which training was called."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(INSIDE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
