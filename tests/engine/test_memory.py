"""What the engine keeps for the next call does not add up."""

import subprocess
import sys
from pathlib import Path

import pytest

STATM = Path("/proc/self/statm")
pytestmark = pytest.mark.skipif(not STATM.exists(), reason="resident memory is read from /proc")

#: In a process of its own: MiB of growth over the turns after the first ones.
PROGRAM = """
import gc, resource, sys
import numpy as np
import chainrule

def resident():
    gc.collect()
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize() / 2**20

rng = np.random.default_rng(0)
kept = chainrule.Network([40, 200, 200, 3], random_state=0, dtype="float32", n_threads=2)

def turn(i):
    n = (700, 90, 333, 2000, 5)[i % 5]
    x, y = rng.normal(size=(n, 40)).astype("float32"), rng.normal(size=(n, 3)).astype("float32")
    for net in (kept, chainrule.Network([40, 100 + 7 * (i % 9), 3], dtype="float32")):
        net.train(x, y, epochs=1, batch_size=(32, 200, 64)[i % 3], resume=i > 0 and net is kept)
        net.gradients(x, y), net(x), net.evaluate(x, y), net.jacobian(x[:50])

for i in range(60):
    turn(i)
before = resident()
for i in range(60):
    turn(i)
print(resident() - before)
"""

#: Networks of ever other sizes leave blocks that nobody asks for again.
SPARES = (
    PROGRAM.partition("def turn")[0]
    + """
before = resident()
x, y = np.zeros((256, 64), "float32"), np.zeros((256, 1), "float32")
for i in range(25):
    chainrule.Network([64, 1500 + 80 * i, 1000, 1], dtype="float32").train(x, y, epochs=1, batch_size=256)
print(resident() - before)
"""
)


def growth(program: str) -> float:
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return float(answer.stdout)


def test_calls_of_changing_sizes_take_no_more_and_more_memory() -> None:
    assert growth(PROGRAM) < 8


def test_blocks_kept_for_the_next_call_have_a_bound() -> None:
    assert growth(SPARES) < 400  # of 256 MiB; all that they need is some 1,000
