"""The site: sphinx over the pages of docs/, README's neighbours and the docstrings. `make docs` builds it.

The source folder is the checkout, so that a link between files is the same on the site and in the repository.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from docutils.nodes import SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from myst_nb.core import render
from sphinx.util import logging

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import grnformer  # noqa: E402

project = "grnformer"
author = "grnformer developers"
copyright = "grnformer developers, BSD 3-Clause"
release = version = grnformer.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "config/README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
# folders that hold no page are not walked through
exclude_patterns = [
    ".*",
    "results",
    "resources",
    "build",
    "grnformer",
    "tests",
    "benchmarks",
    "workflow",
    "docs/_build",
    "**/.ipynb_checkpoints",
]

html_theme = "furo"
html_title = f"grnformer {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False

# pages
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "attrs_inline"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["myst.header"]
pygments_style = "friendly"
# --option stays as it is typed
smartquotes = False

# tutorials: off while a page is written, executed by `make docs`
nb_execution_mode = (
    "off" if os.environ.get("GRNFORMER_DOCS_EXECUTE") == "off" else "force"
)
nb_execution_timeout = 900
nb_execution_raise_on_error = True
nb_execution_in_temp = False
nb_merge_streams = True  # by join_streams
nb_output_stderr = "remove"

# docstrings: `name` is a link where the name is of this package
default_role = "py:obj"
add_module_names = False
nitpicky = True
# names of other packages, whose pages are not read
nitpick_ignore_regex = [("py:.*", r"(?!grnformer).*")]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False


def draw_math(self: Any, node: Any) -> None:
    """A formula as MathML, by docutils: browsers draw it without a script from elsewhere."""
    block = node.tagname == "math_block"
    try:
        drawn = tex2mathml(node.astext(), as_block=block)
    except MathError as error:
        logging.getLogger(__name__).warning("%s", error, location=node)
        drawn = ""
    self.body.append(f'<div class="formula">{drawn}</div>' if block else drawn)
    raise SkipNode


def join_streams(outputs: list[Any]) -> list[Any]:
    """What a command prints as one text, as it came: myst-nb ends each chunk with a new line, in words, too."""
    streams: dict[str, Any] = {}
    kept = []
    for output in outputs:
        # only streams have a name
        name = output.get("name")
        if name in streams:
            streams[name]["text"] += output["text"]
            continue
        kept.append(output)
        if name:
            streams[name] = output
    return kept


def setup(app: Any) -> None:
    """The renderer of formulas; Sphinx's own take a script from the web or LaTeX."""
    render.coalesce_streams = join_streams
    app.add_html_math_renderer("mathml", (draw_math, None), (draw_math, None))


html_math_renderer = "mathml"
