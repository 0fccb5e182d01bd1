"""E11-E16 against PyTorch: its own layers forward, its automatic differentiation backward."""

import numpy as np
import pytest

from chainrule import reference
from chainrule.reference import Members
from chainrule.reference.activations import Parametric
from chainrule.reference.inputs import Block, Categories, Numbers, OneHot, Periodic, PiecewiseLinear, Scale

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402

N_MEMBERS, N_ROWS, SIZES = 3, 12, [18, 6, 3]


@pytest.fixture
def arrays():
    """Every array of a member of each kind, and the data."""
    rng = np.random.default_rng(20)
    x = rng.normal(size=(N_ROWS, 5))
    x[:, 3] = rng.permutation(np.repeat([0.0, 1.0, 2.0, 3.0], 3))  # 3: not seen in training
    x[:, 4] = rng.permutation(np.repeat([0.0, 1.0, 2.0], 4))
    draws = {
        "frequency": (2, 5),
        "phase": (2, 5),
        "weight_2": (2, 5, 3),
        "bias_2": (2, 3),
        "rise": (4, 3),
        "weight_0": (3,),
        "bias_0": (3,),
        "table": (4, 3),
        "scale": (11,),
        "alpha": (6,),
        "W_1": (18, 6),
        "W_2": (6, 3),
        "b_1": (N_MEMBERS, 6),
        "b_2": (3,),
        "r": (N_MEMBERS, 18),
        "s": (N_MEMBERS, 6),
    }
    numbers = {name: rng.normal(size=shape) for name, shape in draws.items()}
    return numbers, np.sort(rng.normal(size=5)), x, rng.integers(0, 3, N_ROWS)


def by_reference(p, edges, x, y, sigma):
    inputs = [
        Block(
            [0, 1], [Periodic(p["frequency"], p["phase"], p["weight_2"], p["bias_2"]), Scale(p["scale"][:8])]
        ),
        Block([3], [Categories(p["table"]), Scale(p["scale"][8:])]),
        Block([2], PiecewiseLinear(edges, p["rise"], p["weight_0"], p["bias_0"])),
        Block([4], OneHot(3)),
        Block([2], Numbers()),
    ]
    g = reference.gradients(
        [p["W_1"], p["W_2"]],
        [p["b_1"], p["b_2"]],
        x,
        y,
        [Parametric(reference.get_activation(sigma)), "softmax"],
        "cross_entropy",
        alphas=[p["alpha"], None],
        members=[Members(p["r"], p["s"]), None],
        inputs=inputs,
    )
    (waves, scale_1), (table, scale_2), (line,), _, _ = g.inputs
    found = {
        "frequency": waves["frequency"],
        "phase": waves["phase"],
        "weight_2": waves["weight"],
        "bias_2": waves["bias"],
        "rise": line["rise"],
        "weight_0": line["weight"],
        "bias_0": line["bias"],
        "table": table["table"],
        "scale": np.concatenate([scale_1["scale"], scale_2["scale"]]),
        "alpha": g.alphas[0],
        "W_1": g.weights[0],
        "W_2": g.weights[1],
        "b_1": g.biases[0],
        "b_2": g.biases[1],
        "r": g.members[0].input_factor,
        "s": g.members[0].output_factor,
    }
    return float(g.loss), found, g.x


def by_torch(p, edges, x, y, sigma):
    p = {name: torch.tensor(array, requires_grad=True) for name, array in p.items()}
    x = torch.tensor(x, requires_grad=True)
    e, y = torch.tensor(edges), torch.tensor(y)
    angle = 2 * torch.pi * x[:, :2, None] * p["frequency"] + p["phase"]
    sums = torch.einsum("ncf,cfd->ncd", torch.cos(angle), p["weight_2"]) + p["bias_2"]
    waves = torch.cat([x[:, :2, None], sums], dim=2).flatten(1)
    embedded = functional.embedding(x[:, 3].long(), p["table"])
    position = (x[:, 2:3] - e[:-1]) / (e[1:] - e[:-1])
    first, last = torch.arange(4) == 0, torch.arange(4) == 3
    position = torch.where(first, position, position.clamp(min=0))
    encoding = torch.where(last, position, torch.where(position > 1, torch.ones_like(position), position))
    line = x[:, 2:3] * p["weight_0"] + p["bias_0"] + encoding @ p["rise"]
    one_hot = functional.one_hot(x[:, 4].long(), 3).double()
    scaled = p["scale"] * torch.cat([waves, embedded], dim=1)
    x_1 = torch.cat([scaled, line, one_hot, x[:, 2:3]], dim=1)
    member = torch.arange(N_MEMBERS).repeat_interleave(N_ROWS // N_MEMBERS)
    net = ((x_1 * p["r"][member]) @ p["W_1"]) * p["s"][member] - p["b_1"][member]
    x_2 = net + p["alpha"] * (getattr(functional, sigma)(net) - net)
    loss = functional.cross_entropy(x_2 @ p["W_2"] - p["b_2"], y)
    loss.backward()
    return loss.item(), {name: array.grad.numpy() for name, array in p.items()}, x.grad.numpy()


@pytest.mark.parametrize("sigma", ["selu", "mish", "relu", "gelu"])
def test_loss_and_every_gradient_are_those_of_automatic_differentiation(arrays, relative_difference, sigma):
    loss, found, dx = by_reference(*arrays, sigma)
    expected_loss, expected, expected_dx = by_torch(*arrays, sigma)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert relative_difference(found[name], gradient) <= 1e-10, name
    assert relative_difference(dx, expected_dx) <= 1e-10
    assert not np.any(dx[:, 3:])  # category codes
