"""The mathematics of a network, shown: `chainrule.derive(network, x, y)` gives a Derivation.

The package is called like the function that it is for: `chainrule.derive(...)` works, and so does
`chainrule.derive.Derivation`.
"""

from __future__ import annotations

import sys
from inspect import signature
from types import ModuleType
from typing import Any

from chainrule.derive.face import Derivation, derive
from chainrule.derive.steps import Form, Step

__all__ = ["Derivation", "Form", "Step", "derive"]


class _Callable(ModuleType):
    """A package that can be called: `chainrule.derive(...)` is `chainrule.derive.derive(...)`."""

    def __call__(self, *args: Any, **options: Any) -> Derivation:
        return derive(*args, **options)

    __call__.__doc__ = derive.__doc__


sys.modules[__name__].__class__ = _Callable
__signature__ = signature(derive)  # what inspect.signature and help show
