"""
What a network looks at: gradients with respect to the input
============================================================

``input_gradients`` gives, for every row, the exact derivative of the predicted class's probability by each
input: the backward pass carried one step further, to the pixels.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from chainrule import MLPClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
clf = MLPClassifier((50,), activation="tanh", alpha=1, max_iter=500, random_state=0).fit(X[:1500], y[:1500])

# %%
# Ten digits that were not trained on, and below each what would make the network more certain: more ink where
# it is red, less where it is blue.

shown = [1500 + int(np.argmax(y[1500:] == digit)) for digit in range(10)]
gradients = clf.input_gradients(X[shown])
_, grid = plt.subplots(2, 10, figsize=(9, 2), layout="constrained")
for (above, below), row, gradient in zip(grid.T, X[shown], gradients, strict=True):
    above.imshow(row.reshape(8, 8), cmap="gray_r")
    largest = np.abs(gradient).max()
    below.imshow(gradient.reshape(8, 8), cmap="RdBu_r", vmin=-largest, vmax=largest)
    for ax in (above, below):
        ax.set(xticks=[], yticks=[])
plt.show()

# %%
# The mean size of the gradient over all rows: pixels that matter, in the picture's own place.

importance = np.abs(clf.input_gradients(X)).mean(axis=0)
_, ax = plt.subplots(figsize=(2.6, 2.6), layout="constrained")
ax.imshow(importance.reshape(8, 8), cmap="viridis")
ax.set(xticks=[], yticks=[])
plt.show()
