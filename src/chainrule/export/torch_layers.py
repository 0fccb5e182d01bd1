"""`Residual`, `Exp` and `Ordered`, modules that PyTorch lacks. It is imported when one is first asked for."""

from __future__ import annotations

from typing import Any


def _define() -> dict[str, Any]:
    import torch
    from torch import nn

    class Residual(nn.Sequential):  # type: ignore[misc]  # PyTorch may be missing where types are checked
        """x + f(x), where f are the modules in it [E9]."""

        def forward(self, x: Any) -> Any:
            """Add the input to what the modules make of it."""
            return x + super().forward(x)

    class Exp(nn.Module):  # type: ignore[misc]
        """exp(x), for outputs that are rates."""

        def forward(self, x: Any) -> Any:
            """Take the exponential of every element."""
            return torch.exp(x)

    class Ordered(nn.Module):  # type: ignore[misc]
        """Running sums of x_1, softplus(x_2), ..., softplus(x_size) in each group of neighbors."""

        def __init__(self, size: int) -> None:
            super().__init__()
            self.size = size

        def forward(self, x: Any) -> Any:
            """Put every group in order."""
            groups = x.unflatten(-1, (-1, self.size))
            steps = nn.functional.softplus(groups[..., 1:], threshold=50)
            return torch.cat([groups[..., :1], steps], dim=-1).cumsum(-1).flatten(-2)

        def extra_repr(self) -> str:
            """Name the size of a group."""
            return f"size={self.size}"

    classes = {"Residual": Residual, "Exp": Exp, "Ordered": Ordered}
    for name, one in classes.items():
        one.__qualname__ = name  # where pickle finds it again
    return classes


def __getattr__(name: str) -> Any:
    if name not in ("Residual", "Exp", "Ordered"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals().update(_define())
    return globals()[name]
