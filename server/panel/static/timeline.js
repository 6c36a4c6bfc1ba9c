// Seconds to beats and back, bars, and whose turn it is: what bridge/timeline.py and server/modes.py say, read from JSON.

// How far past a line still counts as on it.
const HAIR_BEATS = 1e-6;

export class Timeline {
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

  // Whether bars go by that somebody has counted: of our own clock only what was tapped or counted in.
  get hasBars() {
    return this.transport !== "stopped" && (this.source !== "internal" || this.downbeat !== 0);
  }

  beatAt(atS) {
    const segment = this.#last((one) => one.atS <= atS);
    return segment.beat + ((atS - segment.atS) * segment.bpm) / 60;
  }

  secondsAt(beat) {
    const segment = this.#last((one) => one.beat <= beat);
    return segment.atS + ((beat - segment.beat) * 60) / segment.bpm;
  }

  // The bar, from 0, negative while it is counted in, and how many beats into it.
  barAt(beat) {
    const position = beat - this.downbeat;
    const bar = Math.floor((position + HAIR_BEATS) / this.beatsPerBar);
    return { bar, into: Math.max(position - bar * this.beatsPerBar, 0) };
  }

  barLine(bar) {
    return this.downbeat + bar * this.beatsPerBar;
  }

  #last(fits) {
    return this.segments.findLast(fits) ?? this.segments[0];
  }
}

const OTHER = { player: "partner", partner: "player" };

// The turn that a beat is in, counted on from the one that the jam last told of, forward and back: it tells only when
// something happens. Before the downbeat it is nobody's.
export function turnAt(beat, told, turnBars, begins, timeline) {
  if (!told) return null;
  const length = turnBars * timeline.beatsPerBar;
  let { side, start_beats: start, end_beats: end } = told;
  const away = beat >= end - HAIR_BEATS ? Math.floor((beat - end + HAIR_BEATS) / length) + 1
    : Math.min(Math.floor((beat - start + HAIR_BEATS) / length), 0); // prettier-ignore
  if (away !== 0) {
    start = away > 0 ? end + (away - 1) * length : start + away * length;
    end = start + length;
    if (side === null) side = away > 0 ? (away % 2 ? begins : OTHER[begins]) : null;
    else side = away % 2 ? OTHER[side] : side;
    if (start < timeline.downbeat - HAIR_BEATS) side = null;
  }
  return {
    side,
    next: side === null ? begins : OTHER[side],
    start,
    end,
    bar: Math.floor((beat - start + HAIR_BEATS) / timeline.beatsPerBar),
    bars: Math.round((end - start) / timeline.beatsPerBar),
    beatsLeft: end - beat,
  };
}
