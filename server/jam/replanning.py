"""What a change of a control does to an answer that is planned; knows no answer."""

from collections.abc import Mapping

from model.approach import APPROACHES, Approach

# Which approaches it composes anew: the notes that have not sounded follow it.
RECOMPOSING_CONTROLS: Mapping[str, tuple[Approach, ...]] = {
    "approach": APPROACHES,
    "temperature": APPROACHES,
    "top_p": APPROACHES,
    "answer_length": APPROACHES,
    "key": APPROACHES,
    "memory": APPROACHES,
    "novelty": APPROACHES,
    "learn_from": APPROACHES,
    "low": APPROACHES,
    "high": APPROACHES,
    "transpose": APPROACHES,
    "step": ("pitch",),
    "rhythm": ("pitch",),
    "time_scale": ("event",),
    "max_polyphony": ("event",),
}
# Which only move what is planned, and which say whose turn it is.
PLACING_CONTROLS = ("quantize", "swing", "gate")
TURN_CONTROLS = ("mode", "turn_bars", "begins")
