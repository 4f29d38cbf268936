"""How the documentation is built: `make docs`."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from truetwin import __version__

# Sphinx holds all pages as trees of small objects. Looking through them for garbage took a third of its time.
gc.set_threshold(50_000, 20, 1_000)

project = "truetwin"
author = "The truetwin developers"
copyright = "The truetwin developers"
version = release = __version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "command_line",
    "forked_kernels",
    "gallery_cards",
    "mathml",
    "study_file",
]
if not tags.has("without_sources"):  # noqa: F821  # a page of source for each module takes long
    extensions.append("sphinx.ext.viewcode")
html_theme = "furo"
html_math_renderer = "mathml"
html_title = "truetwin"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_js_files = ["access.js"]
exclude_patterns = ["_build", "_ext", "_static", "decisions/README.md"]
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = True
napoleon_use_rtype = False
napoleon_use_ivar = True
suppress_warnings = ["ref.python"]
nitpicky = False
