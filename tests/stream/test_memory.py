"""What is in memory does not grow with the table."""

import subprocess
import sys
import textwrap

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

# ru_maxrss of a process begins with that of the process that started it, so Linux is asked for VmHWM.
CODE = """
import pathlib, resource, sys
import numpy as np
from chainrule import Network, SGD
from chainrule.stream import ParquetRows

def peak():
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        return float(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS

path, window = sys.argv[1], float(sys.argv[2])
net = Network([50, 32, 1], activation="relu", dtype="float32", random_state=0)
net.train(np.zeros((64, 50), "float32"), np.zeros(64, "float32"), epochs=1)
rows = ParquetRows(path, "y", window=0.02)
rows.sample()
before = peak()
rows = ParquetRows(path, "y", window=window, batch_rows=4096)
net.train(rows, optimizer=SGD(0.01), epochs=2, batch_size=512, row_blocks=8)
print(peak() - before)
"""


@pytest.mark.slow
def test_memory_is_that_of_two_windows(tmp_path) -> None:
    """200 MB of rows: a tenth of them at a time, twice, and what decoding needs."""
    rng = np.random.default_rng(0)
    path = tmp_path / "rows.parquet"
    schema = pa.schema([*((f"x{i}", pa.float32()) for i in range(50)), ("y", pa.float32())])
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(100):
            columns = rng.normal(size=(51, 10_000)).astype(np.float32)
            writer.write_table(pa.Table.from_arrays([pa.array(c) for c in columns], schema=schema))

    def megabytes(window: float) -> float:
        command = [sys.executable, "-c", textwrap.dedent(CODE), str(path), str(window)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout)

    assert megabytes(0.1) < 120
    assert megabytes(1.0) > 180
