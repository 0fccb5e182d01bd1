"""chainrule beside scikit-learn, PyTorch and JAX: the same arithmetic, in interleaved runs of one sitting.

``python -m benchmarks`` runs it; docs/benchmarks.md says what is measured and how.
"""
