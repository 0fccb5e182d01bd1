"""`export_c`: a model as one C99 file without dependencies."""

from chainrule.export.c.document import export_c

__all__ = ["export_c"]
