"""Put the page together: template, style, scripts and data in one file."""

from __future__ import annotations

import base64
import json
import os
import zlib
from importlib import resources
from pathlib import Path
from typing import Any

from chainrule.derive.derivation import DerivationData
from chainrule.derive.page.checks import checks
from chainrule.derive.page.data import LIMITS, page_data
from chainrule.files.atomic import atomic_path

#: The scripts in the order in which the page runs them.
SCRIPTS = (
    "numbers.js", "elements.js", "words.js", "model.js", "network.js", "matrices.js", "step.js", "paths.js",
    "norms.js", "check.js", "main.js",
)  # fmt: skip

MOST_BYTES = 1_000_000  # of a page


def write(derivation: DerivationData, path: str | os.PathLike[str]) -> Path:
    """Write the explorer of a derivation, one HTML file that opens from disk and fetches nothing.

    Parameters
    ----------
    derivation : DerivationData
        What `chainrule.derive` returned.
    path : str or path-like
        The file to write; it appears whole or not at all.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        Where the file cannot be written.
    """
    check = checks(derivation)
    for limits in LIMITS:
        text = page(page_data(derivation, limits, check))
        if len(text.encode()) < MOST_BYTES:
            break
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def page(data: dict[str, Any]) -> str:
    """Return the page's HTML for the data of `page_data`."""
    template = _read("page.html")
    script = "\n".join(_read(name) for name in SCRIPTS)
    for place, text in (("style", _read("page.css")), ("data", embed(data)), ("script", script)):
        template = template.replace(f"/*{{{place}}}*/", text)
    return template


def embed(data: Any) -> str:
    """Write JSON, deflated and in base64, so that it may stand in a script element whatever its texts hold.

    Examples
    --------
    >>> zlib.decompress(base64.b64decode(embed({"title": "</script>"})), wbits=-15)
    b'{"title":"</script>"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    packer = zlib.compressobj(9, wbits=-15)
    return base64.b64encode(packer.compress(text.encode()) + packer.flush()).decode("ascii")


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
