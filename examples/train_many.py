"""Eight networks of two sizes and four seeds, trained side by side, and what they say together.

python examples/train_many.py
"""

import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import chainrule

x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x / 16, y, random_state=0)

networks = [
    chainrule.Network([64, width, 10], loss="cross_entropy", random_state=seed)
    for width in (30, 100)
    for seed in range(4)
]
start = time.perf_counter()
histories = chainrule.train_many([(network, x_train, y_train) for network in networks], epochs=30)
seconds = time.perf_counter() - start

outputs = [network(x_test) for network in networks]
for network, history, output in zip(networks, histories, outputs, strict=True):
    accuracy = np.mean(output.argmax(axis=1) == y_test)
    print(f"hidden {network.sizes[1]:4}  loss {history.loss[-1]:.4f}  accuracy {accuracy:.4f}")
accuracy = np.mean(np.mean(outputs, axis=0).argmax(axis=1) == y_test)
print(f"all together, their mean probability: accuracy {accuracy:.4f}")
print(f"\n{seconds:.2f} s for trainings of {sum(history.seconds for history in histories):.2f} s")
