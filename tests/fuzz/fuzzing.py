"""Cases without end for one target, in a watched process of their own: a crash or a hang names its case.

    python tests/fuzz/fuzzing.py fuzz.model_files --seconds 60 --seed 0
    python tests/fuzz/fuzzing.py fuzz.model_files --seed 0 --case 1234  # one case again, with its traceback

A target is a module with a function `case(rng)`, which raises where something is wrong. What
it does depends on `rng` alone, and that on (seed, number of the case).
"""

import argparse
import importlib
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SLOW = 1.0  # seconds of computing after which a case counts as a hang
ENDLESS = 10.0  # after which it is ended
SILENT = 600.0  # seconds on the clock without a new case: it waits for something, or the machine is very busy


class Finding(AssertionError):
    """A case that failed, crashed or hung."""


def fuzz(target, *, seconds, seed, most=2**62, silent=SILENT):
    """Run at most so many cases of a target, for some seconds, in another process; return how many.

    Raises
    ------
    Finding
        With the case's number and what it did.
    """
    with tempfile.TemporaryDirectory() as folder:
        counter, output = Path(folder, "counter"), Path(folder, "output")
        counter.write_bytes(bytes(8))
        command = [
            sys.executable,
            __file__,
            target,
            f"--seconds={seconds}",
            f"--seed={seed}",
            f"--most={most}",
        ]
        with open(output, "wb") as file:
            process = subprocess.Popen(
                [*command, f"--counter={counter}"], stdout=file, stderr=subprocess.STDOUT
            )
        n_begun, since = 0, time.monotonic()
        try:
            while process.poll() is None:
                time.sleep(0.05)
                now = int.from_bytes(counter.read_bytes(), "little")
                if now != n_begun:
                    n_begun, since = now, time.monotonic()
                elif time.monotonic() - since > (silent if now else SILENT):
                    break
            how = "hangs" if process.poll() is None else f"ended with {process.returncode}"
        finally:
            process.kill()
            process.wait()
        n_begun = int.from_bytes(counter.read_bytes(), "little")
        if how != "ended with 0":
            said = output.read_text(errors="replace")[-8000:]
            raise Finding(f"{target}, seed {seed}, case {n_begun - 1}: {how}\n{said}")
    return n_begun


def work(target, *, seconds, seed, most, counter=None, keep_going=False):
    """Run cases in this process, and count them in a file that survives it."""
    case = importlib.import_module(target).case
    kinds = {}
    with open(counter or os.devnull, "r+b") as file:
        shared = mmap.mmap(file.fileno(), 8) if counter else bytearray(8)
        number, end = 0, time.monotonic() + seconds
        while number < most and time.monotonic() < end:
            shared[:8] = (number + 1).to_bytes(8, "little")
            signal.setitimer(
                signal.ITIMER_PROF, ENDLESS
            )  # whose signal ends the process, even in native code
            try:
                run(case, seed, number)
            except Exception as error:
                frame = traceback.extract_tb(error.__traceback__)[-1]
                kind = f"{type(error).__name__} in {frame.filename}:{frame.lineno}"
                if kind not in kinds:
                    lines = "".join(traceback.format_exception(error)).splitlines()
                    print(f"case {number}: {kind}", *(line[:300] for line in lines), sep="\n", flush=True)
                kinds[kind] = kinds.get(kind, 0) + 1
                if not keep_going:
                    return 1
            number += 1
    signal.setitimer(signal.ITIMER_PROF, 0)
    if keep_going:
        print(f"{number} cases", *(f"{n:6} {kind}" for kind, n in kinds.items()), sep="\n")
    return bool(kinds)


def run(case, seed, number):
    """Run one case; what takes longer than a second of computing is a finding, too."""
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case(np.random.default_rng([seed, number]))
    took = time.process_time() - began
    if took > SLOW:
        raise Finding(f"took {took:.1f} s")


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=2**62, help="number of cases")
    parser.add_argument("--case", type=int, help="run this one alone")
    parser.add_argument("--counter")
    parser.add_argument("--keep-going", action="store_true", help="one finding of each kind, and how many")
    given = parser.parse_args()
    sys.path.insert(0, str(HERE.parent))
    if given.case is not None:
        run(importlib.import_module(given.target).case, given.seed, given.case)
        return 0
    return work(
        given.target, seconds=given.seconds, seed=given.seed, most=given.most, counter=given.counter,
        keep_going=given.keep_going,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
