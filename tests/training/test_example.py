"""The example runs as it is."""

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "train_network.py"


def test_train_network(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLE)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "History(2000 epochs, 2000 steps" in done.stdout
    table = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(table) == 8
    for line in table:
        _, output, wanted = (part.strip(" []").split() for part in line.split("]")[:3])
        assert [float(number) > 0.5 for number in output] == [number == "1" for number in wanted]
