"""Which version of the package this is."""

import tomllib
from importlib import metadata
from pathlib import Path


def version() -> str:
    """Return the installed package's version; in a source tree that is not installed, pyproject.toml's."""
    try:
        return metadata.version("chainrule")
    except metadata.PackageNotFoundError:
        pyproject = Path(__file__).parents[2] / "pyproject.toml"
        try:
            return str(tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["version"])
        except (OSError, LookupError, ValueError):
            return "0+unknown"
