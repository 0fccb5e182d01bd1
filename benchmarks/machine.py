"""The machine, what is installed on it, and how busy it is with other things."""

import importlib.metadata
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = ("chainrule", "numpy", "scipy", "scikit-learn", "torch", "jax", "jaxlib", "matplotlib")


def describe() -> dict[str, Any]:
    """Processor, caches, memory, system, Python, packages and date."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor(),
        "cores": n_cores(),
        "caches": caches(),
        "memory_gib": round(memory() / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "virtual": "hypervisor" in _cpuinfo().get("flags", "").split(),
        "python": platform.python_version(),
        "packages": packages(),
        "busy_before": busy(),
    }


def n_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the processor's name, with family and model where the name says little."""
    facts = _cpuinfo()
    name = facts.get("model name", platform.processor() or platform.machine())
    if "cpu family" in facts:
        name += f" (family {facts['cpu family']}, model {facts['model']})"
    extensions = [
        flag for flag in ("avx2", "avx512f", "avx512_bf16") if flag in facts.get("flags", "").split()
    ]
    return f"{name}, {', '.join(extensions)}" if extensions else name


def _cpuinfo() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def caches() -> dict[str, str]:
    """Sizes of the first core's caches."""
    found = {}
    for cache in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind, level, size = ((cache / name).read_text().strip() for name in ("type", "level", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = size
    return found


def memory() -> int:
    """Installed bytes; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def packages() -> dict[str, str]:
    """Versions of what is installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def busy(seconds: float = 0.5) -> float | None:
    """Share of all processors that others use, over a moment in which this process sleeps.

    None where the system does not tell.
    """
    before = _times()
    time.sleep(seconds)
    after = _times()
    if before is None or after is None or after[1] == before[1]:
        return None
    return round((after[0] - before[0]) / (after[1] - before[1]), 3)


def _times() -> tuple[int, int] | None:
    """Ticks of all processors: busy (stolen ones too), and all."""
    try:
        line = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0]
    except OSError:
        return None
    user, nice, system, idle, waiting, *others = map(int, line.split()[1:9])
    ticks = user + nice + system + sum(others)
    return ticks, ticks + idle + waiting
