"""Modules that PyTorch lacks. It is imported when one is first asked for."""

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

    class Parametric(nn.Module):  # type: ignore[misc]
        """x + alpha (f(x) - x), one alpha for each column, where f is the module in it [E12]."""

        def __init__(self, f: Any, alpha: Any) -> None:
            super().__init__()
            self.f, self.alpha = f, nn.Parameter(alpha)

        def forward(self, x: Any) -> Any:
            """Mix x and f(x)."""
            return (1 - self.alpha) * x + self.alpha * self.f(x)

    class SideBySide(nn.ModuleDict):  # type: ignore[misc]
        """What each of the modules in it makes of the same rows, as columns side by side."""

        def __init__(self, *modules: Any) -> None:
            super().__init__({str(k): module for k, module in enumerate(modules)})

        def forward(self, x: Any) -> Any:
            """Give all of them the rows."""
            return torch.cat([module(x) for module in self.values()], dim=-1)

    class Columns(nn.Module):  # type: ignore[misc]
        """Some columns of the rows."""

        def __init__(self, columns: Any) -> None:
            super().__init__()
            self.register_buffer("columns", torch.tensor(columns))

        def forward(self, x: Any) -> Any:
            """Take them."""
            return x[..., self.columns]

        def extra_repr(self) -> str:
            """Name them."""
            return f"{self.columns.tolist()}"

    class Scale(nn.Module):  # type: ignore[misc]
        """A factor for each column [E11]."""

        def __init__(self, scale: Any) -> None:
            super().__init__()
            self.scale = nn.Parameter(scale)

        def forward(self, x: Any) -> Any:
            """Multiply."""
            return self.scale * x

    class Periodic(nn.Module):  # type: ignore[misc]
        """Each column and sums of waves of it [E13]."""

        def __init__(self, frequency: Any, phase: Any, weight: Any, bias: Any) -> None:
            super().__init__()
            self.frequency, self.phase = nn.Parameter(frequency), nn.Parameter(phase)
            self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

        def forward(self, x: Any) -> Any:
            """[x, W_2^T cos(2 pi w_1 x + b_1) + b_2], column by column."""
            x = x[..., None]
            waves = torch.cos(2 * torch.pi * self.frequency * x + self.phase)
            sums = (waves[..., None, :] @ self.weight)[..., 0, :] + self.bias
            return torch.cat([x, sums], dim=-1).flatten(-2)

        def extra_repr(self) -> str:
            """Count waves and sums."""
            n_frequencies, n_outputs = self.weight.shape[1:]
            return f"n_frequencies={n_frequencies}, n_outputs={n_outputs}"

    class PiecewiseLinear(nn.Module):  # type: ignore[misc]
        """Lines of one column with kinks at edges, which are not learned [E14]."""

        def __init__(self, edges: Any, rise: Any, weight: Any, bias: Any) -> None:
            super().__init__()
            self.register_buffer("edges", edges)
            self.rise, self.weight, self.bias = (nn.Parameter(one) for one in (rise, weight, bias))

        def forward(self, x: Any) -> Any:
            """w_0 x + b_0 + P V, where P is how much of each bin is below x; the outer bins go on."""
            part = (x - self.edges[:-1]) / self.edges.diff()
            low, high = torch.zeros_like(self.edges[1:]), torch.ones_like(self.edges[1:])
            low[0], high[-1] = -torch.inf, torch.inf
            return self.weight * x + self.bias + part.clamp(low, high) @ self.rise

        def extra_repr(self) -> str:
            """Show the edges."""
            return f"edges={self.edges.tolist()}, n_outputs={self.rise.shape[1]}"

    class Categories(nn.Embedding):  # type: ignore[misc]
        """A row of the table for each category; the last for one not seen in training [E15]."""

        def forward(self, x: Any) -> Any:
            """Take codes 0, 1, 2, ... in one column of numbers."""
            code, n = x[..., 0], self.num_embeddings - 1
            known = (code >= 0) & (code < n)
            return super().forward(torch.where(known, code, n).long())

    classes = {one.__name__: one for one in (
        Residual, Exp, Ordered, Parametric, SideBySide, Columns, Scale, Periodic, PiecewiseLinear, Categories
    )}  # fmt: skip
    for name, one in classes.items():
        one.__qualname__ = name  # where pickle finds it again
    return classes


NAMES = {
    "Residual", "Exp", "Ordered", "Parametric",
    "SideBySide", "Columns", "Scale", "Periodic", "PiecewiseLinear", "Categories",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals().update(_define())
    return globals()[name]
