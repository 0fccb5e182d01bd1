"""Texts for terminals and files that do not know every letter."""

import codecs
import sys

ERRORS = "chainrule.plain"
PLAIN = {"²": "2", "…": "...", "–": "-", "—": "-", "’": "'", "×": "x", "∂": "d", "−": "-", "•": "*", "█": "#"}


def degrade() -> None:
    """Let standard output and error write what they cannot encode in other letters, instead of failing."""
    codecs.register_error(ERRORS, _plain)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=ERRORS)


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(PLAIN.get(one) or _escaped(one) for one in letters), error.end


def _escaped(letter: str) -> str:
    return "-" if "─" <= letter <= "╿" else letter.encode("ascii", "backslashreplace").decode()
