"""
Optimizers side by side
=======================

The same network from the same first parameters, trained on the digits by six optimizers. Each has a
learning rate that suits it; :doc:`/optimizers` has their formulas.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

import chainrule
from chainrule import Network, TrainingCurveDisplay

X, y = load_digits(return_X_y=True)
X = X / 16

optimizers = {
    "SGD": chainrule.SGD(0.1),
    "SGD, Nesterov": chainrule.SGD(0.03, momentum=0.9, nesterov=True),
    "Adam": chainrule.Adam(0.002),
    "RMSprop": chainrule.RMSprop(0.001),
    "Adagrad": chainrule.Adagrad(0.03),
    "Lion": chainrule.Lion(0.001),
}
histories = {}
for name, optimizer in optimizers.items():
    net = Network([64, 64, 32, 10], loss="cross_entropy", random_state=0)
    histories[name] = net.train(X, y, optimizer=optimizer, epochs=25, batch_size=64)

TrainingCurveDisplay.from_estimator(histories)
plt.show()
