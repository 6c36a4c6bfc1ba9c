import json
from pathlib import Path

import pytest

from model.approach import APPROACHES
from model.engines.network_shape import Hyperparameters
from model.errors import PackError
from model.memory.backoff import DEFAULT_BACKOFFS, Backoff, Trust
from model.memory.context_kinds import NOTE_KINDS, TIME_KINDS
from model.pack.card import CARD_FILE, PACK_FORMAT, Card, CardBins, Epoch, MemoryTrust, read_card
from model.pack.pack import PACKS_FOLDER, open_pack
from model.tokens.time_bins import TimeBins
from model.tokens.vocabulary import EventVocabulary
from tests.tiny_pack import BINS, EVENT_WORDS, PITCH_WORDS, PITCHES


def error_message(folder: Path) -> str:
    with pytest.raises(PackError) as raised:
        read_card(folder)
    return str(raised.value)


def set_entry(folder: Path, path: tuple[str, ...], value: object) -> None:
    """Sets one entry of the card, as an editor would."""
    file = folder / CARD_FILE
    card = json.loads(file.read_text(encoding="utf-8"))
    place = card
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file.write_text(json.dumps(card), encoding="utf-8")


class TestWholeCard:
    def test_it_holds_the_vocabularies(self, tiny_pack: Path) -> None:
        card = read_card(tiny_pack)
        assert card.vocabulary("pitch") == PITCH_WORDS
        assert card.vocabulary("event") == EVENT_WORDS

    def test_written_as_json_it_reads_back_equal(self, tiny_pack: Path) -> None:
        card = read_card(tiny_pack)
        assert Card.model_validate_json(card.model_dump_json()) == card

    def test_the_default_network_is_256_by_512_by_2(self) -> None:
        assert Hyperparameters() == Hyperparameters(embedding=256, hidden=512, layers=2, dropout=0.45)


class TestOlderCard:
    """Entries that older cards lack have defaults: packs outlive the program that made them."""

    LATER = ("base", "device", "drums", "history")

    @pytest.mark.parametrize("folder", sorted(PACKS_FOLDER.iterdir()), ids=lambda folder: folder.name)
    def test_the_cards_of_the_included_packs_can_be_read(self, folder: Path) -> None:
        card = read_card(folder)
        assert card.vocabulary("event").size > card.vocabulary("pitch").size

    def test_a_card_without_epochs_device_or_base_can_be_read(self, own_pack: Path) -> None:
        file = own_pack / CARD_FILE
        card = json.loads(file.read_text(encoding="utf-8"))
        for part in card["approaches"].values():
            for name in self.LATER:
                del part["training"][name]
            part["held_out"] = {"tunes": {"notes": 9, "pitch_bits": 3.5, "time_bits": None, "ppm": {"order 1": 4.0}}}
        del card["approaches"]["event"]["bins"]["unit"]
        file.write_text(json.dumps(card), encoding="utf-8")
        read = read_card(own_pack)
        training = read.approaches["event"].training
        assert (training.base, training.device, training.drums, training.history) == ("", "cpu", False, ())
        assert read.approaches["event"].held_out["tunes"].ppm_time == {}
        assert read.vocabulary("event") == EVENT_WORDS


class TestMemory:
    def test_a_card_without_a_memory_entry_has_the_default(self, tiny_pack: Path) -> None:
        card = read_card(tiny_pack)
        assert card.approaches["pitch"].memory is None
        assert {approach: card.backoff(approach) for approach in APPROACHES} == DEFAULT_BACKOFFS

    @pytest.mark.parametrize("folder", sorted(PACKS_FOLDER.iterdir()), ids=lambda folder: folder.name)
    def test_the_included_packs_have_fitted_values(self, folder: Path) -> None:
        card = read_card(folder)
        for approach, part in card.approaches.items():
            assert card.backoff(approach) != DEFAULT_BACKOFFS[approach]
            for figures in part.held_out.values():
                assert figures.pitch_bits_with_memory is not None
                assert figures.pitch_bits_with_memory < figures.pitch_bits

    def test_fitted_values_read_back_equal(self, own_pack: Path) -> None:
        backoff = Backoff(
            Trust(NOTE_KINDS, (2.5,) * len(NOTE_KINDS), variety=0.75, evidence=0.5),
            Trust(TIME_KINDS[:3], (0.125,) * 3, variety=0.5, evidence=0.25),
        )
        set_entry(own_pack, ("approaches", "event", "memory"), MemoryTrust.from_backoff(backoff).model_dump())
        card = read_card(own_pack)
        assert card.backoff("event") == backoff
        assert card.backoff("pitch") == DEFAULT_BACKOFFS["pitch"]
        assert Card.model_validate_json(card.model_dump_json()) == card
        assert open_pack(str(own_pack)).memory("event").backoff == backoff

    def test_a_memory_entry_that_contradicts_itself_is_an_error(self, own_pack: Path) -> None:
        figures = {"intervals": [1.0] * 8, "tokens": [1.0] * 7, "variety": 0.5, "evidence": 0.5}
        set_entry(own_pack, ("approaches", "event", "memory"), figures)
        with pytest.raises(PackError) as raised:
            open_pack(str(own_pack))
        assert str(raised.value) == (
            "pack tiny: the card's memory is wrong (an older memory has 8 concentrations of either kind); train the pack again"
        )

    @pytest.mark.parametrize(
        ("part", "reason"),
        [
            ({"concentrations": {"3 drums": 1.0}, "variety": 0.5, "evidence": 0.5}, "there is no context '3 drums'"),
            (
                {"concentrations": {"3 times": 0.0}, "variety": 0.5, "evidence": 0.5},
                "the concentrations of a memory are from",
            ),
        ],
    )
    def test_a_context_that_cannot_be_is_an_error(self, own_pack: Path, part: dict[str, object], reason: str) -> None:
        set_entry(own_pack, ("approaches", "event", "memory"), {"notes": part, "times": part})
        with pytest.raises(PackError, match=f"^pack tiny: the card's memory is wrong .{reason}"):
            open_pack(str(own_pack))

    def test_a_memory_of_the_event_approach_without_times_is_an_error(self, own_pack: Path) -> None:
        part = {"concentrations": {"3 tokens": 1.0}, "variety": 0.5, "evidence": 0.5}
        set_entry(own_pack, ("approaches", "event", "memory"), {"notes": part})
        with pytest.raises(PackError, match=r"a memory of the event approach has numbers for times, and no other has"):
            open_pack(str(own_pack))

    def test_a_card_from_before_memories_knew_the_bar_is_trusted_as_it_was(self, own_pack: Path) -> None:
        figures = {"intervals": [2.0] * 8, "tokens": [3.0] * 8, "variety": 0.5, "evidence": 0.25}
        for approach in ("pitch", "event"):
            set_entry(own_pack, ("approaches", approach, "memory"), figures)
        card = read_card(own_pack)
        for trust in (card.backoff("pitch").notes, card.backoff("event").notes, card.backoff("event").times):
            assert trust is not None
            assert [str(kind) for kind in trust.kinds[:4]] == ["1 steps", "1 tokens", "2 steps", "2 tokens"]
            assert trust.concentrations == (2.0, 3.0) * 8
            assert (trust.variety, trust.evidence) == (0.5, 0.25)
        assert card.backoff("pitch").times is None


class TestHistory:
    EPOCHS = (
        Epoch(epoch=0, valid_bits=4.5, seconds=0.0, tokens=0),
        Epoch(epoch=1, training_bits=4.25, valid_bits=4.0, seconds=12.5, tokens=1000),
        Epoch(epoch=2, training_bits=3.0, seconds=25.0, tokens=2000),
    )

    def test_epochs_read_back_equal(self, own_pack: Path) -> None:
        rows = [epoch.model_dump() for epoch in self.EPOCHS]
        set_entry(own_pack, ("approaches", "pitch", "training", "history"), rows)
        card = read_card(own_pack)
        assert card.approaches["pitch"].training.history == self.EPOCHS
        assert Card.model_validate_json(card.model_dump_json()) == card

    def test_values_that_were_not_measured_are_null(self) -> None:
        assert json.loads(self.EPOCHS[0].model_dump_json())["training_bits"] is None
        assert json.loads(self.EPOCHS[2].model_dump_json())["valid_bits"] is None

    def test_an_epoch_without_its_time_is_an_error(self, own_pack: Path) -> None:
        set_entry(own_pack, ("approaches", "pitch", "training", "history"), [{"epoch": 1, "tokens": 9}])
        assert error_message(own_pack) == (
            f"{own_pack / CARD_FILE}: approaches.pitch.training.history.0.seconds: field required; train the pack again or "
            "copy it again"
        )


class TestTimeUnit:
    SECONDS = CardBins(unit="seconds", choice="notebook", shifts=(0.125, 0.5), edges=(0.25,))

    @pytest.mark.parametrize(
        ("tempo_bpm", "shifts", "edges"),
        [(60.0, (0.125, 0.5), (0.25,)), (120.0, (0.25, 1.0), (0.5,)), (90.0, (0.1875, 0.75), (0.375,))],
    )
    def test_seconds_are_converted_to_beats_at_the_tempo(
        self, tempo_bpm: float, shifts: tuple[float, ...], edges: tuple[float, ...]
    ) -> None:
        assert self.SECONDS.to_time_bins(tempo_bpm) == TimeBins(shifts, edges)

    @pytest.mark.parametrize("tempo_bpm", [20.0, 120.0, 400.0])
    def test_beats_do_not_depend_on_the_tempo(self, tempo_bpm: float) -> None:
        bins = CardBins(choice="commonest", shifts=BINS.shifts, edges=BINS.edges)
        assert bins.to_time_bins(tempo_bpm) == BINS

    def test_the_vocabulary_of_a_pack_in_seconds_depends_on_the_tempo(self, own_pack: Path) -> None:
        set_entry(own_pack, ("approaches", "event", "bins"), self.SECONDS.model_dump())
        card = read_card(own_pack)
        slow, fast = card.vocabulary("event", tempo_bpm=60.0), card.vocabulary("event", tempo_bpm=240.0)
        assert isinstance(slow, EventVocabulary)
        assert isinstance(fast, EventVocabulary)
        assert (slow.bins.shifts, fast.bins.shifts) == ((0.125, 0.5), (0.5, 2.0))
        assert slow.size == fast.size
        # Without a tempo it is 120 bpm, as for MIDI files that state none.
        assert card.vocabulary("event") == card.vocabulary("event", tempo_bpm=120.0)
        assert card.vocabulary("pitch", tempo_bpm=60.0) == PITCH_WORDS

    def test_another_unit_is_an_error(self, own_pack: Path) -> None:
        set_entry(own_pack, ("approaches", "event", "bins", "unit"), "bars")
        assert error_message(own_pack) == (
            f"{own_pack / CARD_FILE}: approaches.event.bins.unit: input should be 'beats' or 'seconds'; train the pack "
            "again or copy it again"
        )


class TestBadCard:
    def test_a_folder_without_a_card_is_an_error(self, tmp_path: Path) -> None:
        assert (
            error_message(tmp_path)
            == f"{tmp_path} is no pack: it has no card.json; `fours packs` lists those there are"
        )

    def test_a_card_that_is_cut_off_is_an_error(self, own_pack: Path) -> None:
        card = own_pack / CARD_FILE
        card.write_bytes(card.read_bytes()[:200])
        text = error_message(own_pack)
        assert text.startswith(f"{card} is not whole JSON (Invalid JSON: EOF while parsing")
        assert text.endswith("; copy the pack again")
        assert "\n" not in text

    @pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"{'name': 'tiny'}"])
    def test_a_card_that_is_not_json_is_an_error(self, own_pack: Path, content: bytes) -> None:
        card = own_pack / CARD_FILE
        card.write_bytes(content)
        text = error_message(own_pack)
        assert text.startswith((f"{card} is not whole JSON (", f"{card} cannot be read: "))
        assert "\n" not in text

    def test_a_card_that_is_a_list_is_an_error(self, own_pack: Path) -> None:
        card = own_pack / CARD_FILE
        card.write_text("[]", encoding="utf-8")
        assert error_message(own_pack) == (f"{card}: input should be an object; train the pack again or copy it again")

    def test_another_format_is_an_error(self, own_pack: Path) -> None:
        set_entry(own_pack, ("format",), 7)
        assert error_message(own_pack) == (
            f"{own_pack / CARD_FILE} is of pack format 7; this program reads format {PACK_FORMAT}"
        )

    def test_another_format_with_other_keys_is_reported_as_another_format(self, own_pack: Path) -> None:
        (own_pack / CARD_FILE).write_text('{"format": 2, "voices": ["piano"]}', encoding="utf-8")
        assert error_message(own_pack) == f"{own_pack / CARD_FILE} is of pack format 2; this program reads format 1"

    def test_a_missing_key_is_an_error(self, own_pack: Path) -> None:
        set_entry(own_pack, ("approaches", "pitch"), {"pitches": [60]})
        assert error_message(own_pack) == (
            f"{own_pack / CARD_FILE}: approaches.pitch.network: field required; train the pack again or copy it again"
        )

    def test_the_error_names_the_folder_where_a_pack_was_renamed(self, own_pack: Path) -> None:
        set_entry(own_pack, ("name",), "songbook")
        set_entry(own_pack, ("approaches", "event", "bins", "shifts"), [0.5])
        with pytest.raises(PackError, match=f"^pack {own_pack.name}: the card's time bins are wrong"):
            read_card(own_pack).vocabulary("event")

    def test_an_unknown_key_is_an_error(self, own_pack: Path) -> None:
        set_entry(own_pack, ("colour",), "blue")
        assert error_message(own_pack) == (
            f"{own_pack / CARD_FILE}: this program does not know colour; a newer one may have made the pack, so update this one "
            "or train the pack again"
        )

    def test_a_pitch_out_of_the_midi_range_is_an_error(self, own_pack: Path) -> None:
        set_entry(own_pack, ("approaches", "event", "pitches"), [60, 128])
        assert error_message(own_pack) == (
            f"{own_pack / CARD_FILE}: approaches.event.pitches.1: input should be less than or equal to 127; "
            "train the pack again or copy it again"
        )

    def test_a_missing_approach_is_an_error(self, own_pack: Path) -> None:
        card = json.loads((own_pack / CARD_FILE).read_text(encoding="utf-8"))
        set_entry(own_pack, ("approaches",), {"pitch": card["approaches"]["pitch"]})
        assert error_message(own_pack) == (
            f"{own_pack / CARD_FILE} describes no event model; a pack holds both approaches"
        )

    def test_no_approach_at_all_is_an_error(self, own_pack: Path) -> None:
        set_entry(own_pack, ("approaches",), {})
        assert error_message(own_pack) == (
            f"{own_pack / CARD_FILE} describes no pitch and no event model; a pack holds both approaches"
        )


class TestBadVocabulary:
    def error_message(self, folder: Path) -> str:
        with pytest.raises(PackError) as raised:
            read_card(folder).vocabulary("event")
        return str(raised.value)

    def test_events_without_time_bins_are_an_error(self, own_pack: Path) -> None:
        set_entry(own_pack, ("approaches", "event", "bins"), None)
        assert self.error_message(own_pack) == (
            "pack tiny: the card's event vocabulary has no time bins; train the pack again"
        )

    def test_a_missing_edge_of_the_time_bins_is_an_error(self, own_pack: Path) -> None:
        set_entry(own_pack, ("approaches", "event", "bins", "edges"), list(BINS.edges[:-1]))
        assert self.error_message(own_pack) == (
            "pack tiny: the card's time bins are wrong (4 bins need 3 edges, not 2); train the pack again"
        )

    def test_edges_outside_their_time_bins_are_an_error(self, own_pack: Path) -> None:
        set_entry(own_pack, ("approaches", "event", "bins", "edges"), [0.375, 0.75, 2.5])
        assert self.error_message(own_pack) == (
            "pack tiny: the card's time bins are wrong (an edge must lie between the shifts of its two bins); "
            "train the pack again"
        )

    def test_the_pitches_are_those_of_the_card(self, own_pack: Path) -> None:
        set_entry(own_pack, ("approaches", "event", "pitches"), list(PITCHES[1:]))
        assert read_card(own_pack).vocabulary("event").pitches == PITCHES[1:]
