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
# The grey line is the loss of each step's batch, the blue one its running mean.

search = find_learning_rate(network(), X, y, optimizer=SGD(momentum=0.9))
search.plot()
plt.show()

# %%
# With that rate, and the same number of epochs, constant and with two schedules.

histories = {
    name: network().train(X, y, optimizer=SGD(search.suggestion, momentum=0.9), epochs=20, schedule=schedule)
    for name, schedule in {"constant": None, "cosine": "cosine", "one cycle": "onecycle"}.items()
}
TrainingCurveDisplay.from_estimator(histories)
plt.show()
