"""Renderers: boxes to Unicode text, LaTeX and MathML; derivations to documents."""
