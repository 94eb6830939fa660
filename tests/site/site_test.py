"""The documentation as a site: it builds without a complaint, and every link in it leads somewhere in it."""

from __future__ import annotations

import html.parser
import pathlib
import subprocess
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Page(html.parser.HTMLParser):
    """The anchors of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.anchors.update(filter(None, (attributes.get("id"), attributes.get("name"))))
        if tag == "a" and attributes.get("href"):
            self.links.append(str(attributes["href"]))
        elif tag in ("link", "script", "img"):
            self.loads += filter(None, (attributes.get("href"), attributes.get("src")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run([ROOT / "scripts/docs.sh", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"site: {folder}/index.html\n")
    return folder


@pytest.fixture(scope="module")
def pages(site: pathlib.Path) -> dict[pathlib.Path, Page]:
    return {file: Page(file.read_text()) for file in site.rglob("*.html")}


def test_every_link_leads_somewhere(site: pathlib.Path, pages: dict[pathlib.Path, Page]) -> None:
    broken = []
    inside = 0
    for file, page in pages.items():
        for link in page.links + page.loads:
            url = urllib.parse.urlsplit(link)
            if url.scheme in ("http", "https"):
                assert link not in page.loads, f"{file.name} loads {link}"
                continue
            inside += 1
            target = (file.parent / urllib.parse.unquote(url.path)).resolve() if url.path else file
            lost = url.fragment and target in pages and url.fragment not in pages[target].anchors
            if not target.exists() or lost:
                broken.append(f"{file.relative_to(site)}: {link}")
    assert broken == []
    assert inside > 3000


def test_it_has_all_pages_and_both_references(site: pathlib.Path, pages: dict[pathlib.Path, Page]) -> None:
    there = {str(file.relative_to(site)) for file in pages}
    for page in [*ROOT.glob("docs/*.md"), ROOT / "README.md", *ROOT.glob("workloads/*/README.md")]:
        assert str(page.relative_to(ROOT).with_suffix(".html")) in there
    studies = (site / "docs/site/cpp/studies.html").read_text()
    assert "Reads the workload layer by layer and simulates what is selected" in studies
    assert "potomac.Accumulator(" in (site / "docs/python.html").read_text()
    search = (site / "searchindex.js").read_text()
    assert "pareto" in search
    assert "RunOptions" in search


def test_the_readmes_pictures_are_there_and_small() -> None:
    readme = (ROOT / "README.md").read_text()
    pictures = sorted(ROOT.glob("docs/pictures/*.png"))
    assert len(pictures) == 2
    for picture in pictures:
        assert f"]({picture.relative_to(ROOT)})" in readme
        assert picture.stat().st_size < 150_000
