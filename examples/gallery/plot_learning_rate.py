"""
Finding a learning rate, and lowering it
========================================

The learning-rate range test raises the rate from step to step until the loss rises; a schedule lowers it
while training. Both on scikit-learn's digits.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from chainrule import SGD, Network, TrainingCurveDisplay, find_learning_rate

X, y = load_digits(return_X_y=True)
X = X / 16


def network():
    return Network([64, 64, 10], loss="cross_entropy", random_state=0)


# %%
# The gray line is the loss of each step's batch, the blue one its running mean.

search = find_learning_rate(network(), X, y, optimizer=SGD(momentum=0.9))
search.plot()
plt.show()

# %%
# A schedule allows larger steps at first: six times that rate, constant and with two schedules. Dashed is the
# loss on the other half of the rows.

histories = {
    name: network().train(
        X[::2],
        y[::2],
        optimizer=SGD(6 * search.suggestion, momentum=0.9),
        epochs=20,
        schedule=schedule,
        validation=(X[1::2], y[1::2]),
    )
    for name, schedule in {"constant": None, "cosine": "cosine", "one cycle": "onecycle"}.items()
}
TrainingCurveDisplay.from_estimator(histories)
plt.show()
