"""The notebooks, run cell by cell in a kernel of their own, and what they print compared.

`cmake --build --preset release --target update_docs` stores what they print and draw instead. Cells
tagged "varies" print numbers of a training, in which other processors may round otherwise.
"""

from __future__ import annotations

import os
import pathlib
import re

import nbclient
import nbformat
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(page.relative_to(ROOT) for page in ROOT.glob("docs/notebooks/*.ipynb"))


def printed(cell: nbformat.NotebookNode) -> str:
    """The text of its outputs; pictures say what they show in words that hold on one machine only."""
    texts = [output.get("text", "") for output in cell.outputs]
    values = [o.get("data", {}) for o in cell.outputs]
    return "".join(texts + [v.get("text/plain", "") for v in values if "image/png" not in v])


def pictures(cell: nbformat.NotebookNode) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)


@pytest.mark.parametrize("page", NOTEBOOKS, ids=str)
def test_notebook_does_what_it_shows(page, tmp_path):
    shown = nbformat.read(ROOT / page, as_version=4)
    ran = nbformat.read(ROOT / page, as_version=4)
    nbclient.NotebookClient(
        ran, timeout=300, record_timing=False, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    if "POTOMAC_UPDATE_DOCS" in os.environ:
        ran.metadata = shown.metadata
        nbformat.write(ran, ROOT / page)
        return
    for old, new in zip(shown.cells, ran.cells):
        if old.cell_type == "code":
            assert pictures(old) == pictures(new), old.source
            if "varies" not in old.metadata.get("tags", []):
                assert printed(old) == printed(new), old.source
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("page", NOTEBOOKS, ids=str)
def test_links_of_a_notebook_lead_somewhere(page):
    cells = nbformat.read(ROOT / page, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    assert links
    for target in links:
        assert "://" in target or (ROOT / page).parent.joinpath(target).exists(), target
