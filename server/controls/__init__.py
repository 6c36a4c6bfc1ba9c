"""The controls: their table, their current values, and how a value is parsed, shown, bound to a MIDI CC and throttled."""
