"""
Why deep networks learn slowly: the gradient of every layer
===========================================================

The error reaches layer k as a product of the derivatives of all layers behind it (E5). A sigmoid's derivative
is at most 1/4, so in a deep network little of it arrives at the first layers. Layer normalization (E8) and
residual connections (E9) let it pass.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from chainrule import SGD, GradientFlowDisplay, GradientRecorder, Network, TrainingCurveDisplay

X, y = load_digits(return_X_y=True)
X = X / 16

# %%
# The recorder is a callback. It computes the exact gradient on the same 300 rows after each epoch.

kinds = {
    "sigmoid": {"activation": "sigmoid"},
    "sigmoid, normalized": {"activation": "sigmoid", "layer_norm": True},
    "sigmoid, normalized, skips": {"activation": "sigmoid", "layer_norm": True, "residual": True},
}
networks, histories = {}, {}
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), sharey=True, layout="constrained")
for ax, (name, options) in zip(axes, kinds.items(), strict=True):
    net = Network([64, *[32] * 6, 10], loss="cross_entropy", random_state=0, **options)
    recorder = GradientRecorder(X[:300], y[:300], net)
    optimizer = SGD(0.05, momentum=0.9)
    histories[name] = net.train(X, y, optimizer=optimizer, epochs=40, callback=recorder)
    networks[name] = net
    GradientFlowDisplay.from_recorder(recorder, ax=ax)
    ax.set_title(name)
for ax in axes[:-1]:
    ax.get_legend().remove()
plt.show()

# %%
# The plain network's first layer begins with a gradient ten thousand times smaller than the last one's, and
# the loss does not move in forty epochs.

TrainingCurveDisplay.from_estimator(histories)
plt.show()

# %%
# The third of them, drawn.

networks["sigmoid, normalized, skips"]
