"""Every link of README and docs/ leads somewhere: to a file of the repository, and to a heading of its page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def without_code(page):
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page):
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)$", without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def links(page):
    found = re.findall(r'\]\(([^)\s]+)\)|src="([^"]+)"', without_code(page))
    return [link or image for link, image in found if not (link or image).startswith("http")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_map_has_every_page():
    here = ROOT / "docs" / "README.md"
    pages = {page.relative_to(here.parent).as_posix() for page in PAGES[1:] if page != here}
    assert pages - set(links(here)) == set()


def test_a_heading_is_found_by_its_anchor(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("## Same seed, `same` bits: a *test*\n```\n# no heading\n```\n[a](#x) ![b](c.png) [d](http://e)\n")
    assert anchors(page) == {"same-seed-same-bits-a-test"}
    assert links(page) == ["#x", "c.png"]
