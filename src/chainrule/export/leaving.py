"""The methods by which models leave: thin, so that a model's class need not know any format."""

from __future__ import annotations

import os


class Leaving:
    """`export_c` for every kind of model."""

    __slots__ = ()

    def export_c(self, path: str | os.PathLike[str], *, name: str | None = None) -> None:
        """Write one C99 file without dependencies; see `chainrule.export.export_c`.

        Parameters
        ----------
        path : str or path-like
            File to write; it appears whole or not at all.
        name : str, optional
            What the function is called, followed by "_predict"; by default the file's name.
        """
        from chainrule.export.c import export_c

        export_c(self, path, name=name)
