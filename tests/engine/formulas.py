"""The optimizers' formulas in NumPy, from their sources, on flat float64 arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Every optimizer with settings that reach each of its branches.
CASES: list[tuple[str, dict[str, Any]]] = [
    ("sgd", {"learning_rate": 0.05}),
    ("sgd", {"learning_rate": 0.05, "momentum": 0.9}),
    ("sgd", {"learning_rate": 0.05, "momentum": 0.8, "nesterov": True}),
    ("adam", {"learning_rate": 0.01}),
    ("adam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.5, "epsilon": 1e-3, "amsgrad": True}),
    ("adamw", {"learning_rate": 0.01, "weight_decay": 0.1, "epsilon": 1e-3}),
    ("adamw", {"learning_rate": 0.01, "weight_decay": 0.0, "beta_2": 0.5, "amsgrad": True}),
    ("rmsprop", {"learning_rate": 0.01, "rho": 0.9}),
    ("rmsprop", {"learning_rate": 0.01, "rho": 0.9, "centered": True, "epsilon": 1e-4}),
    ("rmsprop", {"learning_rate": 0.01, "rho": 0.9, "momentum": 0.7}),
    ("rmsprop", {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.7, "centered": True, "epsilon": 1e-3}),
    ("adagrad", {"learning_rate": 0.05, "epsilon": 1e-10}),
    ("adagrad", {"learning_rate": 0.05, "initial_accumulator": 0.1}),
    ("nadam", {"learning_rate": 0.01, "momentum_decay": 0.004}),
    ("lion", {"learning_rate": 0.003, "beta_2": 0.99, "weight_decay": 0.1}),
    ("rprop", {"learning_rate": 0.01}),
    ("rprop", {"learning_rate": 0.2, "backtracking": True}),
    ("rprop", {"learning_rate": 0.3, "increase": 1.5, "decrease": 0.3, "smallest": 0.15, "largest": 0.5}),
]


@dataclass
class Formula:
    """One optimizer at work: `step(w, g, loss)` gives the new w; `kind` is 1 for weights and 0 for biases."""

    name: str
    settings: dict[str, Any]
    kind: np.ndarray
    t: int = 0
    kept: dict[str, Any] = field(default_factory=dict)

    def step(self, w: np.ndarray, g: np.ndarray, loss: float, factor: float = 1.0) -> np.ndarray:
        self.t += 1
        s = {
            "momentum": 0.0,
            "beta_1": 0.9,
            "beta_2": 0.999,
            "rho": 0.999,
            "epsilon": 1e-8,
            "weight_decay": 0.0,
            **self.settings,
        }
        s["learning_rate"] *= factor if self.name != "rprop" else 1.0
        w = w * (1 - s["learning_rate"] * s["weight_decay"] * self.kind)
        return getattr(self, self.name)(s, w, g, loss)

    def keep(self, name: str, first: Any = 0.0) -> Any:
        return self.kept.setdefault(name, np.full(self.kind.shape, first) if np.isscalar(first) else first)

    def sgd(self, s, w, g, loss):
        v = s["momentum"] * self.keep("v") - s["learning_rate"] * g
        self.kept["v"] = v
        return w + (s["momentum"] * v - s["learning_rate"] * g if s.get("nesterov") else v)

    def moments(self, s, g):
        self.kept["m"] = s["beta_1"] * self.keep("m") + (1 - s["beta_1"]) * g
        self.kept["v"] = s["beta_2"] * self.keep("v") + (1 - s["beta_2"]) * g**2
        self.kept["u"] = np.maximum(self.keep("u"), self.kept["v"])
        return self.kept["m"], self.kept["u" if s.get("amsgrad") else "v"]

    def adam(self, s, w, g, loss):
        m, v = self.moments(s, g)
        corrected = s["learning_rate"] * np.sqrt(1 - s["beta_2"] ** self.t) / (1 - s["beta_1"] ** self.t)
        return w - corrected * m / (np.sqrt(v) + s["epsilon"])

    def adamw(self, s, w, g, loss):
        m, v = self.moments(s, g)
        m, v = m / (1 - s["beta_1"] ** self.t), v / (1 - s["beta_2"] ** self.t)
        return w - s["learning_rate"] * m / (np.sqrt(v) + s["epsilon"])

    def rmsprop(self, s, w, g, loss):
        self.kept["v"] = s["rho"] * self.keep("v") + (1 - s["rho"]) * g**2
        self.kept["a"] = s["rho"] * self.keep("a") + (1 - s["rho"]) * g
        variance = self.kept["v"] - self.kept["a"] ** 2 * s.get("centered", False)
        self.kept["b"] = s["momentum"] * self.keep("b") + g / (np.sqrt(variance) + s["epsilon"])
        return w - s["learning_rate"] * self.kept["b"]

    def adagrad(self, s, w, g, loss):
        self.kept["s"] = self.keep("s", s.get("initial_accumulator", 0.0)) + g**2
        return w - s["learning_rate"] * g / (np.sqrt(self.kept["s"]) + s["epsilon"])

    def nadam(self, s, w, g, loss):
        m, v = self.moments(s, g)
        k = [s["beta_1"] * (1 - 0.5 * 0.96 ** (t * s["momentum_decay"])) for t in range(1, self.t + 2)]
        p, p_next = np.prod(k[:-1]), np.prod(k)
        spread = np.sqrt(v / (1 - s["beta_2"] ** self.t)) + s["epsilon"]
        w = w - s["learning_rate"] * (1 - k[-2]) / (1 - p) * g / spread
        return w - s["learning_rate"] * k[-1] / (1 - p_next) * m / spread

    def lion(self, s, w, g, loss):
        m = self.keep("m")
        self.kept["m"] = s["beta_2"] * m + (1 - s["beta_2"]) * g
        return w - s["learning_rate"] * np.sign(s["beta_1"] * m + (1 - s["beta_1"]) * g)

    def rprop(self, s, w, g, loss):
        q, size, last = self.keep("q"), self.keep("size", s["learning_rate"]), self.keep("last step")
        risen = s.get("backtracking", False) and loss > self.kept.get("loss", np.inf)
        agreed, turned = g * q > 0, g * q < 0
        longer = np.minimum(size * s.get("increase", 1.2), s.get("largest", 50.0))
        shorter = np.maximum(size * s.get("decrease", 0.5), s.get("smallest", 1e-6))
        size = np.where(agreed, longer, np.where(turned, shorter, size))
        step = np.where(turned, -last if risen else 0.0, -size * np.sign(g))
        self.kept |= {"q": np.where(turned, 0.0, g), "size": size, "last step": step, "loss": loss}
        return w + step
