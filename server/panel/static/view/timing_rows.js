// What is known of the timing of MIDI, in plain words: rows of a name, a value and a detail. It touches no page.

const SOURCE_TEXTS = { midi: "MIDI clock", link: "Link" };
// Below this a clock and our beat count as together: it is far less than can be heard.
const TOGETHER_MS = 0.05;

// `wiring` and `figures` are the jam's; `offsetMs` is the control now, and `source` the clock that leads.
export function timingRows(wiring, figures, offsetMs, source) {
  return [portToPort(wiring, figures), ...clockRows(figures.clock_ms, source), offsetOfNotes(wiring.offset, offsetMs)];
}

function portToPort({ midi_in: midiIn }, { latency_ms: latencyMs }) {
  if (midiIn === "none") return ["Port to port", "no MIDI ports"];
  if (!latencyMs) return ["Port to port", "not known", "each message is passed on as it comes"];
  return ["Port to port", `${latencyMs} ms`, "from a key to a note that follows at once, and for the loop through a DAW on JACK: fours calibrate measures that"];
}

function clockRows({ offset, jitter }, source) {
  const name = SOURCE_TEXTS[source];
  if (name === undefined) return [["Clock offset", "none", "the jam follows its own clock"]];
  if (offset === undefined) return [["Clock offset", "not known yet", `${name} has not come for long enough`]];
  const isTogether = Math.abs(offset) < TOGETHER_MS;
  return [
    ["Clock offset", `${Math.abs(offset)} ms`, isTogether ? `${name} and our beat are together` : `${name} comes ${offset > 0 ? "after" : "before"} our beat`],
    ["Clock jitter", `±${jitter} ms`, `how unevenly ${name} comes: 8 of 10 times it is within this`],
  ];
}

function offsetOfNotes({ ms, source }, offsetMs) {
  const words = offsetMs === 0 ? "on the beat" : `${Math.abs(offsetMs)} ms ${offsetMs < 0 ? "before" : "after"} the beat`;
  return ["Notes go out", words, offsetMs === ms ? source : "offset_ms was changed in this jam"];
}
