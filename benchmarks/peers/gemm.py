"""NumPy's matrix product: what this machine reaches with the BLAS that its users have."""

import numpy as np

from benchmarks.peers.base import Call, Peer, Task

SIZE = 2048


class Gemm(Peer):
    """NumPy."""

    def versions(self) -> dict[str, str]:
        """Version, and the BLAS with the kernels that it chose."""
        versions = {"NumPy": np.__version__}
        try:
            from threadpoolctl import threadpool_info
        except ImportError:
            return versions
        np.ones((2, 2)) @ np.ones((2, 2))
        for pool in threadpool_info():
            if pool["user_api"] == "blas":
                versions["NumPy's BLAS"] = (
                    f"{pool['internal_api']} {pool['version']}, {pool.get('architecture')}"
                )
        return versions

    def product(self, dtype: str, size: int = SIZE) -> Task:
        """Products of two square matrices, into a third."""
        rng = np.random.default_rng(0)
        a, b = (rng.standard_normal((size, size)).astype(dtype) for _ in range(2))
        c = np.empty_like(a)
        return Call(lambda: np.matmul(a, b, out=c), dict)


def flops(size: int = SIZE) -> float:
    """Floating-point operations of a product."""
    return 2.0 * size**3
