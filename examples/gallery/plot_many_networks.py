"""
How much of a score is the seed?
================================

``train_many`` trains independent networks side by side, one on each core, each with the bits that it would
have alone. Sixty networks of three widths show how much accuracy on the digits depends on the first
parameters, and what averaging their probabilities gives.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from chainrule import Network, train_many

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)

widths, seeds = [8, 32, 128], range(20)
networks = {
    width: [Network([64, width, 10], loss="cross_entropy", random_state=seed) for seed in seeds]
    for width in widths
}
train_many([(net, X_train, y_train) for nets in networks.values() for net in nets], epochs=20)

# %%
# Each dot is one network; the line is the accuracy of the mean of the twenty networks' probabilities.

_, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for place, (width, nets) in enumerate(networks.items()):
    outputs = np.array([net(X_test) for net in nets])
    accuracy = (outputs.argmax(axis=2) == y_test).mean(axis=1)
    together = (outputs.mean(axis=0).argmax(axis=1) == y_test).mean()
    ax.plot(place + np.linspace(-0.2, 0.2, len(nets)), np.sort(accuracy), "o", markersize=4)
    ax.hlines(together, place - 0.3, place + 0.3, color="black", linewidth=1)
    print(f"{width:4} units: {accuracy.min():.3f} to {accuracy.max():.3f}, together {together:.3f}")
ax.set(xticks=range(len(widths)), xticklabels=widths, xlabel="Hidden units", ylabel="Test accuracy")
plt.show()
