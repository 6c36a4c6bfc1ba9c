// Converts seconds to beats and back, and computes bars and turns. It is the page's copy of bridge/timing/timeline.py
// and server/jam/turns/modes.py, built from their JSON. Seconds are those of the jam's clock; a beat is a quarter note.

// A beat this close before a bar line or the end of a turn counts as on it.
const TOLERANCE_BEATS = 1e-6;

export class Timeline {
  // `segments` are tempo changes as [second, beat, bpm], the oldest first; `meter` is [numerator, denominator].
  constructor({ segments, meter, downbeat, transport, source }) {
    this.segments = segments.map(([atS, beat, bpm]) => ({ atS, beat, bpm }));
    this.meter = meter;
    this.downbeat = downbeat;
    this.transport = transport;
    this.source = source;
    this.beatsPerBar = (meter[0] * 4) / meter[1];
  }

  get bpm() {
    return this.segments.at(-1).bpm;
  }

  // Whether bars have numbers. With our own clock they do only after a tap or a count-in.
  get hasBars() {
    return this.transport !== "stopped" && (this.source !== "internal" || this.downbeat !== 0);
  }

  beatAt(atS) {
    const segment = this.#lastSegment((one) => one.atS <= atS);
    return segment.beat + ((atS - segment.atS) * segment.bpm) / 60;
  }

  secondsAt(beat) {
    const segment = this.#lastSegment((one) => one.beat <= beat);
    return segment.atS + ((beat - segment.beat) * 60) / segment.bpm;
  }

  // The bar that a beat is in, and how far into the bar it is. Bars count from 0 and are negative during a count-in.
  barAt(beat) {
    const position = beat - this.downbeat;
    const bar = Math.floor((position + TOLERANCE_BEATS) / this.beatsPerBar);
    return { bar, beatsIntoBar: Math.max(position - bar * this.beatsPerBar, 0) };
  }

  // The beat at which a bar begins.
  barLine(bar) {
    return this.downbeat + bar * this.beatsPerBar;
  }

  #lastSegment(matches) {
    return this.segments.findLast(matches) ?? this.segments[0];
  }
}

const OTHER_SIDE = { player: "partner", partner: "player" };

// The turn that a beat is in; null where `knownTurn` is null. The jam sends a turn only when something changes, so this
// counts on from the last one that it sent, forward or back. `firstSide` plays the first turn. Before the downbeat a
// turn belongs to nobody: `side` is null.
export function turnAt(beat, knownTurn, turnBars, firstSide, timeline) {
  if (!knownTurn) return null;
  const turnBeats = turnBars * timeline.beatsPerBar;
  let { side, start_beats: startBeat, end_beats: endBeat } = knownTurn;
  const turnsAway = beat >= endBeat - TOLERANCE_BEATS ? Math.floor((beat - endBeat + TOLERANCE_BEATS) / turnBeats) + 1
    : Math.min(Math.floor((beat - startBeat + TOLERANCE_BEATS) / turnBeats), 0); // prettier-ignore
  if (turnsAway !== 0) {
    startBeat = turnsAway > 0 ? endBeat + (turnsAway - 1) * turnBeats : startBeat + turnsAway * turnBeats;
    endBeat = startBeat + turnBeats;
    if (side === null) side = turnsAway > 0 ? (turnsAway % 2 ? firstSide : OTHER_SIDE[firstSide]) : null;
    else side = turnsAway % 2 ? OTHER_SIDE[side] : side;
    if (startBeat < timeline.downbeat - TOLERANCE_BEATS) side = null;
  }
  return {
    side,
    nextSide: side === null ? firstSide : OTHER_SIDE[side],
    startBeat,
    endBeat,
    bar: Math.floor((beat - startBeat + TOLERANCE_BEATS) / timeline.beatsPerBar),
    bars: Math.round((endBeat - startBeat) / timeline.beatsPerBar),
    beatsLeft: endBeat - beat,
  };
}
