"""`chainrule gradcheck`: every gradient of a random network against complex step."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.options import check_activation, check_memory, check_name, parse_sizes

if TYPE_CHECKING:
    import numpy as np


def command(
    sizes: Annotated[str, typer.Argument(metavar="SIZES", help="Widths of the layers, for example 3-5-4-3.")],
    activation: Annotated[str, typer.Option(metavar="NAME", help="Of the hidden layers.")] = "sigmoid",
    loss: Annotated[str, typer.Option(metavar="NAME", help="Loss.")] = "squared_error",
    rows: Annotated[int, typer.Option(min=1, help="Rows of random numbers.")] = 8,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of weights and rows.")] = 0,
) -> None:
    """Compare the engine's gradients with complex step, parameter by parameter.

    Exits with code 1 if any of them disagrees.
    """
    widths = parse_sizes(sizes, "SIZES", separator="-")
    if len(widths) < 2:
        raise typer.BadParameter(
            f"got {sizes!r}, expected inputs and outputs, such as 3-3", param_hint="'SIZES'"
        )

    import numpy as np

    import chainrule
    from chainrule import _engine

    check_activation(activation, "--activation")
    check_name(loss, _engine.losses(), "--loss")
    check_memory(widths, "float64", "SIZES")
    rng = np.random.default_rng(seed)
    net = chainrule.Network(widths, activation=activation, loss=loss, random_state=seed)
    report = chainrule.gradcheck(
        net, rng.normal(size=(rows, widths[0])), _targets(loss, rows, widths[-1], rng)
    )
    print(report)
    if not report:
        raise typer.Exit(1)


def _targets(loss: str, n_rows: int, n_outputs: int, rng: "np.random.Generator") -> Any:
    """Return random targets that the loss is made for."""
    if loss in ("cross_entropy", "focal"):
        return rng.dirichlet([1.0] * n_outputs, n_rows)
    if loss in ("binary_cross_entropy", "binary_focal"):
        return rng.integers(0, 2, (n_rows, n_outputs)).astype(float)
    if loss == "poisson":
        return rng.poisson(2.0, (n_rows, n_outputs)).astype(float)
    if loss in ("gamma", "tweedie"):
        return rng.gamma(2.0, size=(n_rows, n_outputs))
    return rng.normal(size=(n_rows, n_outputs))
