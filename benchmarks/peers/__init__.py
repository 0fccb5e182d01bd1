"""Who is measured: one file per library, each with the tasks that the library can do."""

#: Name, and "module:class". The first is the one that the others are compared with.
PEERS = {
    "chainrule": "benchmarks.peers.ours:Chainrule",
    "scikit-learn": "benchmarks.peers.scikit_learn:ScikitLearn",
    "PyTorch": "benchmarks.peers.pytorch:PyTorch",
    "PyTorch compiled": "benchmarks.peers.pytorch:CompiledPyTorch",
    "JAX": "benchmarks.peers.jax_scan:Jax",
}
OURS = "chainrule"
COMPILED = "PyTorch compiled"

#: Measures NumPy's matrix product, which is nobody's peer.
GEMM = "benchmarks.peers.gemm:Gemm"
