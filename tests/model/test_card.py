import json
from pathlib import Path

import pytest

from model.card import CARD_FILE, PACK_FORMAT, Card, Hyperparameters, read_card
from model.errors import PackError
from tests.tiny_pack import BINS, EVENT_WORDS, PITCH_WORDS, PITCHES


def complaint(folder: Path) -> str:
    with pytest.raises(PackError) as raised:
        read_card(folder)
    return str(raised.value)


def rewrite(folder: Path, path: tuple[str, ...], value: object) -> None:
    """Sets one entry of the card, as an editor would."""
    file = folder / CARD_FILE
    card = json.loads(file.read_text(encoding="utf-8"))
    place = card
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file.write_text(json.dumps(card), encoding="utf-8")


class TestWholeCard:
    def test_it_says_the_vocabularies(self, tiny_pack: Path) -> None:
        card = read_card(tiny_pack)
        assert card.vocabulary("pitch") == PITCH_WORDS
        assert card.vocabulary("event") == EVENT_WORDS

    def test_it_is_json_that_reads_back_to_the_same(self, tiny_pack: Path) -> None:
        card = read_card(tiny_pack)
        assert Card.model_validate_json(card.model_dump_json()) == card

    def test_a_network_is_256_by_512_by_2_unless_told_otherwise(self) -> None:
        assert Hyperparameters() == Hyperparameters(embedding=256, hidden=512, layers=2, dropout=0.3)


class TestBadCard:
    def test_a_folder_without_one(self, tmp_path: Path) -> None:
        assert complaint(tmp_path) == f"{tmp_path} is no pack: it has no card.json; `fours packs` lists those there are"

    def test_one_that_is_cut_off(self, own_pack: Path) -> None:
        card = own_pack / CARD_FILE
        card.write_bytes(card.read_bytes()[:200])
        text = complaint(own_pack)
        assert text.startswith(f"{card} is not whole JSON (Invalid JSON: EOF while parsing")
        assert text.endswith("; copy the pack again")
        assert "\n" not in text

    @pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"{'name': 'tiny'}"])
    def test_one_that_is_no_json(self, own_pack: Path, content: bytes) -> None:
        card = own_pack / CARD_FILE
        card.write_bytes(content)
        text = complaint(own_pack)
        assert text.startswith((f"{card} is not whole JSON (", f"{card} cannot be read: "))
        assert "\n" not in text

    def test_one_that_is_a_list(self, own_pack: Path) -> None:
        card = own_pack / CARD_FILE
        card.write_text("[]", encoding="utf-8")
        assert complaint(own_pack) == (f"{card}: input should be an object; train the pack again or copy it again")

    def test_one_of_another_version(self, own_pack: Path) -> None:
        rewrite(own_pack, ("format",), 7)
        assert complaint(own_pack) == (
            f"{own_pack / CARD_FILE} is of pack format 7; this program reads format {PACK_FORMAT}"
        )

    def test_one_of_another_version_that_says_other_things(self, own_pack: Path) -> None:
        (own_pack / CARD_FILE).write_text('{"format": 2, "voices": ["piano"]}', encoding="utf-8")
        assert complaint(own_pack) == f"{own_pack / CARD_FILE} is of pack format 2; this program reads format 1"

    def test_one_that_lacks_something(self, own_pack: Path) -> None:
        rewrite(own_pack, ("approaches", "pitch"), {"pitches": [60]})
        assert complaint(own_pack) == (
            f"{own_pack / CARD_FILE}: approaches.pitch.network: field required; train the pack again or copy it again"
        )

    def test_one_that_says_what_no_card_does(self, own_pack: Path) -> None:
        rewrite(own_pack, ("colour",), "blue")
        assert complaint(own_pack) == (
            f"{own_pack / CARD_FILE}: colour: extra inputs are not permitted; train the pack again or copy it again"
        )

    def test_a_pitch_that_no_midi_note_has(self, own_pack: Path) -> None:
        rewrite(own_pack, ("approaches", "event", "pitches"), [60, 128])
        assert complaint(own_pack) == (
            f"{own_pack / CARD_FILE}: approaches.event.pitches.1: input should be less than or equal to 127; "
            "train the pack again or copy it again"
        )

    def test_an_approach_that_is_missing(self, own_pack: Path) -> None:
        card = json.loads((own_pack / CARD_FILE).read_text(encoding="utf-8"))
        rewrite(own_pack, ("approaches",), {"pitch": card["approaches"]["pitch"]})
        assert complaint(own_pack) == (f"{own_pack / CARD_FILE} describes no event model; a pack holds both approaches")

    def test_no_approach_at_all(self, own_pack: Path) -> None:
        rewrite(own_pack, ("approaches",), {})
        assert complaint(own_pack) == (
            f"{own_pack / CARD_FILE} describes no pitch and no event model; a pack holds both approaches"
        )


class TestBadVocabulary:
    def complaint(self, folder: Path) -> str:
        with pytest.raises(PackError) as raised:
            read_card(folder).vocabulary("event")
        return str(raised.value)

    def test_events_without_time_bins(self, own_pack: Path) -> None:
        rewrite(own_pack, ("approaches", "event", "bins"), None)
        assert self.complaint(own_pack) == (
            "pack tiny: the card's event vocabulary has no time bins; train the pack again"
        )

    def test_time_bins_with_an_edge_too_few(self, own_pack: Path) -> None:
        rewrite(own_pack, ("approaches", "event", "bins", "edges"), list(BINS.edges[:-1]))
        assert self.complaint(own_pack) == (
            "pack tiny: the card's time bins are wrong (4 bins need 3 edges, not 2); train the pack again"
        )

    def test_time_bins_whose_edges_fall_elsewhere(self, own_pack: Path) -> None:
        rewrite(own_pack, ("approaches", "event", "bins", "edges"), [0.375, 0.75, 2.5])
        assert self.complaint(own_pack) == (
            "pack tiny: the card's time bins are wrong (an edge must lie between the shifts of its two bins); "
            "train the pack again"
        )

    def test_the_pitches_are_those_of_the_card(self, own_pack: Path) -> None:
        rewrite(own_pack, ("approaches", "event", "pitches"), list(PITCHES[1:]))
        assert read_card(own_pack).vocabulary("event").pitches == PITCHES[1:]
