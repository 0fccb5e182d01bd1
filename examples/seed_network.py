"""The network of the seed document, 3-5-4-3 with sigmoids, forward and backward with each equation's id.

python examples/seed_network.py
"""

import numpy as np

from chainrule import reference

rng = np.random.default_rng(0)
A, B, C = rng.normal(size=(3, 5)), rng.normal(size=(5, 4)), rng.normal(size=(4, 3))
a, b, c = rng.normal(size=5), rng.normal(size=4), rng.normal(size=3)
x, y = np.array([0.5, -1.0, 2.0]), np.array([0.0, 1.0, 0.0])

weights, biases, activations = [A, B, C], [a, b, c], ["sigmoid"] * 3
stored = reference.forward(weights, biases, x, activations)
gradients = reference.backward(stored, y, "squared_error")


def show(equation: str, name: str, formula: str, value: np.ndarray) -> None:
    print(f"{equation}  {name} = {formula}")
    for row in np.atleast_2d(value):
        print("      " + "  ".join(f"{number:12.8f}" for number in row))


print("Forward")
show("E1", "net_1", "x A - a", stored.net[0])
show("E2", "hidden_1", "f(net_1)", stored.x[1])
show("E1", "net_2", "hidden_1 B - b", stored.net[1])
show("E2", "hidden_2", "f(net_2)", stored.x[2])
show("E1", "net_3", "hidden_2 C - c", stored.net[2])
show("E2", "yhat", "f(net_3)", stored.output)
show("E3", "E", "1/2 ||yhat - y||^2", gradients.loss)

print("\nBackward, with f' = f (1 - f) from the stored outputs [E7]")
show("E4", "dE/dc", "-(yhat - y) o yhat o (1 - yhat)", gradients.biases[2])
show("E6", "dE/dC", "-hidden_2^T dE/dc", gradients.weights[2])
show("E5", "dE/db", "(dE/dc) C^T o hidden_2 o (1 - hidden_2)", gradients.biases[1])
show("E6", "dE/dB", "-hidden_1^T dE/db", gradients.weights[1])
show("E5", "dE/da", "(dE/db) B^T o hidden_1 o (1 - hidden_1)", gradients.biases[0])
show("E6", "dE/dA", "-x^T dE/da", gradients.weights[0])


def loss_at(*parameters: np.ndarray) -> complex:
    return reference.batch_loss(parameters[:3], parameters[3:], x, y, activations, "squared_error")


truth = reference.complex_step(loss_at, [*weights, *biases])
worst = max(
    np.max(np.abs(found - expected)) / np.max(np.abs(expected))
    for found, expected in zip([*gradients.weights, *gradients.biases], truth, strict=True)
)
print(f"\ncomplex step agrees with every gradient to {worst:.1e} of the array's largest")
