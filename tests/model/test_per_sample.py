"""Derivatives of rows are computed in parts, which changes no bit and lets Ctrl-C through."""

import os
import signal
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from chainrule import MLPRegressor, Network
from chainrule.model import per_sample

X = np.random.default_rng(0).normal(size=(23, 5))
Y = np.sin(X[:, :2])


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("rows", [1, 4, 22])
def test_parts_have_the_bits_of_the_whole(form, rows, monkeypatch):
    net = Network([5, 7, 2], random_state=0, layer_norm=True)
    mlp = MLPRegressor(hidden_layer_sizes=(7,), solver="lbfgs", tol=1e3, random_state=0)
    mlp.fit(form(X), Y[:, 0])

    def everything():
        x = form(X)
        return [
            net.jacobian(x), net.input_gradients(x, Y), net.per_sample_gradient_norms(x, Y),
            *net.per_sample_gradients(x, Y).weights, mlp.jacobian(x), mlp.input_gradients(x),
            mlp.per_sample_gradient_norms(x, Y[:, 0]), *mlp.per_sample_gradients(x, Y[:, 0]).biases,
        ]  # fmt: skip

    whole = everything()
    monkeypatch.setattr(per_sample, "WORK_PER_CALL", rows * net.n_parameters * 5)
    for part, one in zip(everything(), whole, strict=True):
        assert part.tobytes() == one.tobytes()


@pytest.mark.slow
def test_ctrl_c_is_heard(monkeypatch):
    net = Network([500, 1000, 500], random_state=0)
    parts, real = [], per_sample.Rows.part
    monkeypatch.setattr(per_sample.Rows, "part", lambda rows, part: parts.append(part) or real(rows, part))
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        net.jacobian(np.ones((500, 500)))
    assert 0 < len(parts) < 60
