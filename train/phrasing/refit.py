"""Fits touch and phrase ends to the training files of corpora, and writes them on a pack's card; the networks stay as they are."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from model.errors import SeedError
from model.files.seed import read_seed
from model.pack.card import Card
from model.pack.card_phrasing import CardEnds, CardPhrasing, CardTouch
from model.pack.pack import Pack
from train.card_file import replace_card
from train.corpus.corpora import Corpus, joined
from train.errors import CorpusError
from train.phrasing.end_fitting import fit_ends
from train.phrasing.phrases import Melody, melody_of
from train.phrasing.touch_fitting import fit_touch

logger = logging.getLogger("fours.train.phrasing")


def fit_phrasing(corpora: Sequence[Corpus]) -> CardPhrasing:
    """The touch and the phrase ends of the leading lines of the training files.

    The files are read again, as a seed is: the lines that a network learns from have no bars.
    """
    melodies = list(_melodies(sorted({line.file for line in joined(corpora, "train")})))
    touch, ends = fit_touch(melodies), fit_ends(melodies)
    phrases = sum(int(melody.is_end.sum()) for melody in melodies)
    return CardPhrasing(
        touch=None
        if touch is None
        else CardTouch(
            loudness=touch.profile.loudness,
            trust_notes=touch.profile.trust_notes,
            lengths=touch.profile.lengths,
            loudness_notes=touch.loudness_notes,
            length_notes=touch.length_notes,
        ),
        ends=None if ends is None else CardEnds.from_ends(ends, phrases),
    )


def refit_phrasing(pack: Pack, corpora: Sequence[Corpus]) -> Card:
    """Fits touch and phrase ends again, replaces the card of the pack, and returns it.

    Raises CorpusError where there is nothing to fit to, and OutputError where the card cannot be written.
    """
    if not any(corpus.lines["train"] for corpus in corpora):
        raise CorpusError(
            "no file is on the training side of the split, which touch and phrase ends are fitted to; give it more files"
        )
    card = pack.card.model_copy(update={"phrasing": fit_phrasing(corpora)})
    replace_card(card, pack.folder)
    return card


def _melodies(files: Sequence[Path]) -> Iterator[Melody]:
    for file in files:
        try:
            melody = melody_of(read_seed(file))
        except SeedError as error:  # it was readable a moment ago
            logger.warning("%s", error)
            continue
        if len(melody):
            yield melody
