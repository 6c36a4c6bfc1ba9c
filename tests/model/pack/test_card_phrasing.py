"""The touch and the phrase ends on the cards of packs: those that come with the program have them, older packs have not."""

import pytest

from model.errors import PackError
from model.pack.card import Card
from model.pack.card_phrasing import CardEnds, CardPhrasing, CardTouch
from model.pack.pack import open_pack
from model.phrasing.phrasing import PLAIN
from model.phrasing.touch_profile import TouchProfile
from tests.phrasings import ENDS, PROFILE

TOUCH = CardTouch(
    loudness=PROFILE.loudness,
    trust_notes=PROFILE.trust_notes,
    lengths=PROFILE.lengths,
    loudness_notes=1000,
    length_notes=5000,
)


def card_with(phrasing: CardPhrasing | None) -> Card:
    return Card(name="tiny", approaches={}, phrasing=phrasing)


def test_a_card_gives_back_what_was_put_on_it() -> None:
    phrasing = card_with(CardPhrasing(touch=TOUCH, ends=CardEnds.from_ends(ENDS, 100))).to_phrasing()
    assert phrasing.ends == ENDS
    assert isinstance(phrasing.touch, TouchProfile)
    assert phrasing.touch == PROFILE


def test_a_card_without_an_entry_plays_plainly() -> None:
    assert card_with(None).to_phrasing() == PLAIN


def test_a_card_that_contradicts_itself_is_refused_in_one_sentence() -> None:
    broken = CardPhrasing(touch=TOUCH.model_copy(update={"lengths": ((1.0,),)}))
    with pytest.raises(PackError, match=r"^pack tiny: the card's phrasing is wrong .*train the pack again$"):
        card_with(broken).to_phrasing()


@pytest.mark.parametrize(("name", "has_dynamics"), [("songbook", False), ("rock", True)])
def test_the_packs_of_the_program_say_what_was_really_there_to_learn(name: str, *, has_dynamics: bool) -> None:
    card = open_pack(name).card.phrasing
    assert card is not None
    assert card.touch is not None
    assert card.ends is not None
    assert (card.touch.loudness is not None, card.touch.loudness_notes > 0) == (has_dynamics, has_dynamics)
    assert card.ends.first_half[4] > 0.4  # the first beat is where phrases end
