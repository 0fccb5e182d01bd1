"""Sphinx directives that put steps of real derivations into a text while the documentation is built.

A page whose name ends in ".zh-CN" speaks Chinese, every other English.

- ``{derive-step} seed delta.2``: a step of the network `seed`; ``:numbers:`` adds what it gives;
- ``{derive-value} seed x.1``: what a symbol is worth; the role ``{derive-number}`` writes one number;
- ``{derive-paths} seed 1 2 3``: the gradient of layer 1's weight from unit 2 to unit 3, as a sum over paths;
- ``{derive-norms} sigmoids``, ``{derive-checks} seed``: the gradient layer by layer; the table of checks;
- ``{derive-explorer} seed``: writes the explorer's page beside the text and links to it.
"""

from pathlib import Path

import derive_html
from derivations import derivation
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

STYLE = "first-principles.css"
EXPLORERS = "explorers"


def language_of(docname: str) -> str:
    """Return "zh" for a page in Chinese, else "en"."""
    return "zh" if docname.endswith(".zh-CN") else "en"


class Derived(SphinxDirective):
    """A directive that inserts HTML made from the derivation that its first word names."""

    required_arguments = 1
    optional_arguments = 4

    def run(self):
        """Return the HTML as a node; an unknown network, step or option fails the build."""
        try:
            html = self.html(derivation(self.arguments[0]), *self.arguments[1:])
        except (KeyError, ValueError, StopIteration) as error:
            raise self.error(f"{self.name} {' '.join(self.arguments)}: {error}") from error
        return [nodes.raw("", html, format="html")]

    @property
    def language(self):
        """The language of the page."""
        return language_of(self.env.docname)


class StepOf(Derived):
    """One step."""

    option_spec = {"numbers": directives.flag}  # noqa: RUF012

    def html(self, found, key):
        """Write it."""
        return derive_html.step(found, key, self.language, numbers="numbers" in self.options)


class ValueOf(Derived):
    """One matrix."""

    def html(self, found, key):
        """Write it."""
        return f'<div class="derive-step">{derive_html.given(found, key)}</div>'


class PathsOf(Derived):
    """One weight."""

    def html(self, found, layer, i, j):
        """Write its paths."""
        return derive_html.paths(found, int(layer), int(i), int(j), self.language)


class NormsOf(Derived):
    """Every layer."""

    def html(self, found):
        """Write the table."""
        return derive_html.norms(found, self.language)


class ChecksOf(Derived):
    """Every gradient."""

    def html(self, found):
        """Write the table."""
        return derive_html.checks(found, self.language)


class ExplorerOf(Derived):
    """A page of its own."""

    def html(self, found):
        """Write the page and the link to it."""
        name = f"{self.arguments[0]}.{self.language}.html"
        folder = Path(self.config.derive_explorers)
        folder.mkdir(parents=True, exist_ok=True)
        found.language = self.language
        found.to_html(folder / name)
        up = "../" * self.env.docname.count("/")
        return derive_html.link(f"{up}{EXPLORERS}/{name}", self.language)


def number_role(name, rawtext, text, lineno, inliner, options=None, content=()):
    """Write one number: "seed E", "seed W.1 2 3" (row and column from 1), or "sigmoids shrinking"."""
    network, key, *place = text.split()
    found = derivation(network)
    if key == "shrinking":
        value = derive_html.shrinking(found)
    else:
        row, column = (int(n) - 1 for n in place) if place else (0, 0)
        value = float(found.value(key)[row, column])
    return [nodes.Text(derive_html.number(value))], []


def choose_folder(app):
    """Put the explorers beside the pages."""
    app.config.derive_explorers = str(Path(app.outdir) / EXPLORERS)


def setup(app):
    """Register everything."""
    for directive in (StepOf, ValueOf, PathsOf, NormsOf, ChecksOf, ExplorerOf):
        app.add_directive(f"derive-{directive.__name__.removesuffix('Of').lower()}", directive)
    app.add_role("derive-number", number_role)
    app.add_css_file(STYLE)
    app.add_config_value("derive_explorers", "", "")
    app.connect("builder-inited", choose_folder)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
