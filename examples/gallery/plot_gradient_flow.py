"""
Why deep sigmoid networks learn slowly: the gradient of every layer
===================================================================

The error reaches layer k as a product of the derivatives of all layers behind it (E5). A sigmoid's derivative
is at most 1/4, so in a deep network little of it arrives at the first layers; tanh, whose derivative reaches
1, loses less.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from chainrule import SGD, GradientFlowDisplay, GradientRecorder, Network, TrainingCurveDisplay

X, y = load_digits(return_X_y=True)
X = X / 16

# %%
# The recorder is a callback. It computes the exact gradient on the same 300 rows after each epoch.

histories = {}
figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), sharey=True, layout="constrained")
for ax, activation in zip(axes, ["sigmoid", "tanh"], strict=True):
    net = Network([64, *[32] * 5, 10], activation=activation, loss="cross_entropy", random_state=0)
    recorder = GradientRecorder(X[:300], y[:300], net)
    histories[activation] = net.train(X, y, optimizer=SGD(0.05, momentum=0.9), epochs=40, callback=recorder)
    GradientFlowDisplay.from_recorder(recorder, ax=ax)
    ax.set_title(activation)
axes[0].get_legend().remove()
plt.show()

# %%
# With sigmoids the gradient of the first layer begins a thousand times smaller than that of the last, and the
# loss does not move for many epochs.

TrainingCurveDisplay.from_estimator(histories)
plt.show()
