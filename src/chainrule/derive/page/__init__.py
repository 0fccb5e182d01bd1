"""The explorer: one self-contained HTML page in which a sample walks through a derivation."""

from .build import write

__all__ = ["write"]
