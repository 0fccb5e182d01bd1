"""Settings of the documentation, built by `make docs`. Nothing is fetched while building or while reading."""

import os
import re
import sys
import warnings
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("SPHINX_GALLERY", "1")

import chainrule

sys.path.insert(0, str(Path(__file__).parent / "_ext"))  # directives that insert derivations

ROOT = Path(__file__).parents[1]

project = "chainrule"
author = "the chainrule developers"
copyright = author
version = release = chainrule.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "first_principles",
]
root_doc = "index"
exclude_patterns = ["generated/gallery/**/*.py", "generated/gallery/**/*.ipynb", "README*"]
nitpicky = False
default_role = "code"
pygments_style = "friendly"
pygments_dark_style = "monokai"

# Markdown: the same files are read on GitHub.
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 3

# Docstrings are in numpydoc's form.
autosummary_generate = True
autosummary_imported_members = False
autodoc_typehints = "none"  # types and shapes stand in the docstrings
autodoc_member_order = "bysource"
autodoc_default_options = {
    "members": True,
    "inherited-members": True,
    "undoc-members": False,
    "exclude-members": "get_metadata_routing, set_fit_request, set_partial_fit_request, set_score_request",
}
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_preprocess_types = False

templates_path = ["templates"]
html_static_path = ["static"]
html_theme = "furo"
html_title = f"chainrule {release}"
html_css_files = ["page.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0a5f95", "color-brand-content": "#0a5f95"},
    "dark_css_variables": {"color-brand-primary": "#6db6e8", "color-brand-content": "#6db6e8"},
}

sphinx_gallery_conf = {
    "examples_dirs": [str(ROOT / "examples" / "gallery")],
    "gallery_dirs": ["generated/gallery"],
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "plot_gallery": os.environ.get("GALLERY", "1") != "0",
    "remove_config_comments": True,
    "backreferences_dir": None,
    "capture_repr": ("_repr_html_", "__repr__"),
    "ignore_repr_types": r"matplotlib|sklearn\.metrics|Display",
    "image_scrapers": ("matplotlib",),
    "matplotlib_animations": False,
    "copyfile_regex": r"",
    "log_level": {"backreference_missing": "debug"},
}
suppress_warnings = [
    "config.cache",  # sphinx-gallery's settings cannot be pickled
    "ref.python",  # words in the types of parameters that are names of several attributes
]

# Examples must be as quiet as tests: a warning is an error there too.
warnings.filterwarnings("error", module="__main__")


def escape(app, what, name, obj, options, lines):
    """Let mathematics in docstrings be text: in reStructuredText |x| and x_ would be references.

    What is inherited from scikit-learn refers to scikit-learn's own site; those references become text.
    """
    for i, line in enumerate(lines):
        line = re.sub(r":(?:ref|term|class|func|meth):`~?([^`<]*?)(?: <[^`>]*>)?`", r"`\1`", line)
        lines[i] = line
        code = line.lstrip().startswith((">>>", "...")) or "::" in line
        if not code:
            parts = re.split(r"(``?[^`]*``?)", line)
            parts[::2] = [re.sub(r"(?<!\\)\|", r"\\|", part) for part in parts[::2]]
            parts[::2] = [re.sub(r"(?<=\w)_(?=[\s,.;:)\]^]|$)", r"\\_", part) for part in parts[::2]]
            lines[i] = "".join(parts)


def link_gallery(app, docname, source):
    """On GitHub a link to an example leads to its file; here to its page."""
    page = re.sub(r"\]\([./]*examples/gallery/(plot_\w+)\.py\)", r"](/generated/gallery/\1.rst)", source[0])
    source[0] = re.sub(r"\]\([./]*examples/gallery/?\)", "](/generated/gallery/index.rst)", page)


def setup(app):
    """Escape before napoleon reads the sections."""
    app.connect("source-read", link_gallery)
    app.connect("autodoc-process-docstring", escape, priority=100)
