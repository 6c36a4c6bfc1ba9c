"""What the documents name is there."""

import re
from pathlib import Path

import pytest

from model.harmony.forms import FORMS

CHECKOUT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (CHECKOUT / "docs").glob("*.md")))
ROOMS = "server|bridge|model|train|tests|bench|docs"
# A path below one of our rooms, as text or as the target of a link.
NAMED = re.compile(rf"(?<![\w./-])((?:{ROOMS})/[\w./-]*\w(?:/)?)")
LINKED = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_names_only_files_that_are_there(document: str) -> None:
    text = (CHECKOUT / document).read_text(encoding="utf-8")
    gone = sorted({name for name in NAMED.findall(text) if not any(CHECKOUT.glob(name.rstrip("/")))})
    assert not gone, f"{document} names {', '.join(gone)}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_links_only_to_files_that_are_there(document: str) -> None:
    folder = (CHECKOUT / document).parent
    links = LINKED.findall((CHECKOUT / document).read_text(encoding="utf-8"))
    gone = sorted({link for link in links if not (folder / link).exists()})
    assert not gone, f"{document} links to {', '.join(gone)}"


def test_the_page_about_charts_names_every_form_that_comes_with_the_program() -> None:
    text = (CHECKOUT / "docs/changes.md").read_text(encoding="utf-8")
    assert not [name for name in FORMS if f"`{name}`" not in text]
