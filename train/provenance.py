"""Where a corpus comes from and what its licences ask to be carried on with whatever is trained on it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from model.pack.card import Source
from train.corpus.corpora import Corpus, manifest_of

NOTICES_FILE = "NOTICES.txt"
# What a corpus's folder says of its licence, in the order in which it is read.
_SHORT_NOTICES = ("NOTICE*",)
_SOURCE_COLUMNS = {"licence", "source_repo", "source_commit"}
_LEGAL_TEXTS = ("NOTICE*", "LICEN[CS]E*", "COPYING*", "ATTRIBUTION*", "CREDITS-MUSIC*")


def source_of(corpus: Corpus) -> Source:
    """The card's entry for a corpus: how much of it was trained on, and its licences and sources as its manifest has them."""
    trained = {line.file for line in corpus.lines["train"]}
    folders = _folders(corpus)
    manifest: dict[Path, dict[str, str]] = {}
    for folder in folders:
        manifest |= manifest_of(folder)
    rows = [row for file, row in manifest.items() if file in trained and row.keys() >= _SOURCE_COLUMNS]
    return Source(
        name=corpus.name,
        files=corpus.files("train"),
        notes=corpus.notes("train"),
        licences=dict(Counter(row["licence"] for row in rows).most_common()),
        sources=tuple(sorted({f"{row['source_repo']} at {row['source_commit']}" for row in rows})),
        attribution="\n".join(_read(path) for folder in folders for path in _texts(folder, _SHORT_NOTICES)),
    )


def notices(corpora: Sequence[Corpus]) -> str:
    """All legal texts of the corpora, to lie beside the weights that were trained on them."""
    sections = [
        f"==== {folder.name}/{path.name} ====\n\n{_read(path)}\n"
        for folder in dict.fromkeys(folder for corpus in corpora for folder in _folders(corpus))
        for path in _texts(folder, _LEGAL_TEXTS)
    ]
    return "\n".join(sections)


def _folders(corpus: Corpus) -> list[Path]:
    """The corpus's folder, and those within it, or elsewhere, that hold what was trained on; outer ones first."""
    found = {corpus.folder}
    for folder in {line.file.parent for line in corpus.lines["train"]}:
        between = {parent for parent in (folder, *folder.parents) if parent.is_relative_to(corpus.folder)}
        found |= between or {folder}
    return sorted(found)


def _texts(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file()]


def _read(path: Path) -> str:
    """A legal text of whatever age and encoding: it must not cost hours of training."""
    return path.read_text(encoding="utf-8", errors="replace").strip()
