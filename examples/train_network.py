"""Three exclusive ors at once, learned by the 3-5-4-3 sigmoid network of the seed document.

python examples/train_network.py
"""

import numpy as np

import chainrule

x = np.array([[a, b, c] for a in (0.0, 1.0) for b in (0.0, 1.0) for c in (0.0, 1.0)])
y = np.abs(x - np.roll(x, -1, axis=1))  # a xor b, b xor c, c xor a

net = chainrule.Network([3, 5, 4, 3], activation="sigmoid", output_activation="sigmoid", random_state=0)
history = net.train(x, y, optimizer=chainrule.SGD(2.0, momentum=0.9), epochs=2000, batch_size=None)
print(net)
print(history)

print("\ninput      output                wanted")
for row, wanted in zip(x, y, strict=True):
    print(row.astype(int), net(row).round(3), wanted.astype(int))

report = chainrule.gradcheck(net, x, np.roll(y, 1, axis=1))  # away from the minimum, where gradients vanish
print(f"\nevery derivative agrees with complex step to {report.largest_relative_difference:.1e}")
