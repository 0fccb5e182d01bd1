"""The explorer: one self-contained HTML page in which a sample walks through a derivation."""

from chainrule.derive.page.build import write

__all__ = ["write"]
