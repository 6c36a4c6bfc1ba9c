"""Which controls move planned notes, which have them composed again, and which change the turns; knows no answer."""

from collections.abc import Mapping

from model.approach import APPROACHES, Approach

RECOMPOSING_CONTROLS: Mapping[str, tuple[Approach, ...]] = {
    "approach": APPROACHES,
    "temperature": APPROACHES,
    "top_p": APPROACHES,
    "answer_length": APPROACHES,
    "key": APPROACHES,
    "memory": APPROACHES,
    "novelty": APPROACHES,
    "learn_from": APPROACHES,
    "harmony": APPROACHES,
    "low": APPROACHES,
    "high": APPROACHES,
    "transpose": APPROACHES,
    "step": ("pitch",),
    "rhythm": ("pitch",),
    "time_scale": ("event",),
    "max_polyphony": ("event",),
}
"""Controls after whose change unsounded notes are composed again, and the approaches for which they are."""

PLACING_CONTROLS = ("quantize", "swing", "gate", "touch", "feel_from")
"""Controls that only move the planned notes in time, or change how long and how loud they sound."""

TURN_CONTROLS = ("mode", "turn_bars", "begins")
"""Controls that decide whose turn it is."""

OTHER_CONTROLS = (
    # Read when the note sounds, or when the next answer is planned.
    *("offset_ms", "velocity", "channel", "answer_after", "start", "over", "hold_limit_s"),
    # Carried out elsewhere: the accompaniment has chords and band, the conductor keeps time, the session loads packs, the recorder marks takes.
    *("chart", "chords_from", "chord_channel", "chords_below", "band", "feel"),
    *("clock", "tempo", "tempo_from", "meter", "position_unit", "send_clock", "pack", "record"),
)
"""Controls whose change does not affect planned notes."""
