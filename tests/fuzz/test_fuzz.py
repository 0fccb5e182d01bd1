"""A minute of each fuzzer, the same cases each time; `make fuzz` takes an hour, and others."""

import os
import signal

import pytest

from fuzz.fuzzing import Finding, fuzz

SECONDS = float(os.environ.get("CHAINRULE_FUZZ_SECONDS", "60"))
SEED = int(os.environ.get("CHAINRULE_FUZZ_SEED", "0"))
#: At most so many cases without `make fuzz`: one that nobody has seen should not fail a change elsewhere.
TARGETS = {"model_files": 10_000, "checkpoints": 2_000, "calls": 6_000, "table_files": 400, "agreement": 500}


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found(target):
    n_cases = fuzz(f"fuzz.{target}", seconds=SECONDS, seed=SEED, most=2**62 if SEED else TARGETS[target])
    print(f"{target}: {n_cases:,} cases")
    assert n_cases > 10  # a fuzzer that does nothing finds nothing


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
        ("time.sleep(1000)", r"case 5: hangs"),
        ("while True: pass", rf"case 5: ended with -{signal.SIGPROF:d}"),
        ("while time.process_time() < 1.6: pass", r"took 1\.\d s"),
        ("sys.exit(7)", r"case 5: ended with 7"),
    ],
)
def test_what_a_fuzzer_finds(tmp_path, monkeypatch, body, message):
    (tmp_path / "broken.py").write_text(BROKEN.format(body))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with pytest.raises(Finding, match=message):
        fuzz("broken", seconds=20, seed=3, silent=4 if "hangs" in message else 60)
