"""The sources of a corpus, and the legal texts that must come with every network trained on it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from model.pack.card import Source
from train.corpus.corpora import Corpus
from train.corpus.manifest import printable, rows_of

NOTICES_FILE = "NOTICES.txt"
# Files about the licence in the folder of a corpus, in the order of reading: for the card, and all of them.
_NOTICE_FILES = ("NOTICE*",)
_SOURCE_COLUMNS = {"licence", "source_repo", "source_commit"}
_LEGAL_FILES = ("NOTICE*", "LICEN[CS]E*", "COPYING*", "ATTRIBUTION*", "CREDITS-MUSIC*")


def source_of(corpus: Corpus) -> Source:
    """The card's entry for a corpus: how much of it was trained on, with licences and sources from its manifest."""
    trained = {line.file for line in corpus.lines["train"]}
    folders = _folders(corpus)
    rows = [row for row in rows_of(trained, folders).by_file.values() if row.keys() >= _SOURCE_COLUMNS]
    return Source(
        name=corpus.name,
        files=corpus.files("train"),
        notes=corpus.notes("train"),
        licences=dict(Counter(row["licence"] for row in rows).most_common()),
        sources=tuple(sorted({f"{row['source_repo']} at {row['source_commit']}" for row in rows})),
        attribution="\n".join(_read(path) for folder in folders for path in _files_matching(folder, _NOTICE_FILES)),
    )


def legal_notices(corpora: Sequence[Corpus]) -> str:
    """All legal texts of the corpora in one text, to be put beside the weights that were trained on them."""
    sections = [
        f"==== {printable(Path(folder.name, path.name))} ====\n\n{_read(path)}\n"
        for folder in dict.fromkeys(folder for corpus in corpora for folder in _folders(corpus))
        for path in _files_matching(folder, _LEGAL_FILES)
    ]
    return "\n".join(sections)


def _folders(corpus: Corpus) -> list[Path]:
    """The folder of the corpus, and all folders inside it or elsewhere with a training file; outer folders first."""
    folders = {corpus.folder}
    for folder in {line.file.parent for line in corpus.lines["train"]}:
        ancestors = {parent for parent in (folder, *folder.parents) if parent.is_relative_to(corpus.folder)}
        folders |= ancestors or {folder}
    return sorted(folders)


def _files_matching(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file()]


def _read(path: Path) -> str:
    """The text of a legal file, of any encoding: a wrong byte must not end a training of hours."""
    return path.read_text(encoding="utf-8", errors="replace").strip()
