"""Sphinx: docs/, the README and the C++ headers as a site. scripts/docs.sh builds it.

The source directory is the tree itself, so that links between pages are those that a reader of the
files has; what is not a page is linked to as a file.
"""

import os
import pathlib
import sys

from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).parent))

project = "Potomac"
author = copyright = "the Potomac authors"
extensions = ["myst_parser", "breathe", "potomac_headers"]
root_doc = "docs/site/index"
include_patterns = ["README.md", "docs/*.md", "docs/site/*.md", "docs/site/cpp/*.md", "workloads/*/README.md"]

html_theme = "sphinx_rtd_theme"
html_title = "Potomac"
html_static_path = []
html_show_sourcelink = False
html_show_copyright = False

# Anchors as GitHub makes them: pages link to each other by these.
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # a page may begin with any heading
highlight_language = "text"
lexers["csv"] = TextLexer()

doxygen = pathlib.Path(os.environ["POTOMAC_DOXYGEN"])
breathe_projects = {folder.name: str(folder / "xml") for folder in sorted(doxygen.iterdir())}
breathe_default_members = ("members", "undoc-members")
breathe_show_include = False
