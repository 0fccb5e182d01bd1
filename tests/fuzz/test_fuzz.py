"""A minute of each fuzzer, the same cases each time; `make fuzz` takes an hour, and others."""

import os

import pytest

from fuzz.fuzzing import Finding, fuzz

SECONDS = float(os.environ.get("CHAINRULE_FUZZ_SECONDS", "60"))
SEED = int(os.environ.get("CHAINRULE_FUZZ_SEED", "0"))
TARGETS = ["model_files", "checkpoints"]


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found(target):
    n_cases = fuzz(f"fuzz.{target}", seconds=SECONDS, seed=SEED)
    print(f"{target}: {n_cases:,} cases")
    assert n_cases > SECONDS  # a fuzzer that does nothing finds nothing


BROKEN = """
import os, sys, time
n = 0
def case(rng):
    global n
    n += 1
    if n == 6:
        {}
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise KeyError('x')", r"broken, seed 3, case 5: ended with 1\ncase 5: KeyError in .*broken.py"),
        ("os.kill(os.getpid(), 11)", r"case 5: ended with -11"),
        ("time.sleep(30)", r"case 5: hangs"),
        ("while time.process_time() < 90: pass", r"case 5: hangs"),
        ("while time.process_time() < 1.6: pass", r"took 1\.\d s"),
        ("sys.exit(7)", r"case 5: ended with 7"),
    ],
)
def test_what_a_fuzzer_finds(tmp_path, monkeypatch, body, message):
    (tmp_path / "broken.py").write_text(BROKEN.format(body))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with pytest.raises(Finding, match=message):
        fuzz("broken", seconds=20, seed=3, silent=4 if "hangs" in message else 60)
