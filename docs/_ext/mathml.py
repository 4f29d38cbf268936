"""Write formulas as MathML, which browsers show by themselves, so that the pages need no network."""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert
from sphinx.application import Sphinx

#: Environments of several lines that the converter reads under other names.
_LINES = {"split": "aligned"}


def _mathml(latex: str, *, display: bool) -> str:
    for name, other in _LINES.items():
        latex = latex.replace(f"{{{name}}}", f"{{{other}}}")
    return convert(re.sub(r"\\label\{[^}]*\}", "", latex), display="block" if display else "inline")


def _visit_inline(translator: Any, node: Any) -> None:
    from docutils import nodes

    translator.body.append(_mathml(node.astext(), display=False))
    raise nodes.SkipNode


def _visit_display(translator: Any, node: Any) -> None:
    from docutils import nodes

    translator.body.append(f'<div class="math">{_mathml(node.astext(), display=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
