// The chords of the form that is played over, as the jam sends them: which one sounds at a beat, and which come next.

const TOLERANCE_BEATS = 1e-6;

export class Chords {
  // `spans` are [beat within the form, symbol, pitch classes], in order; the form begins at `downbeat` and goes round.
  constructor({ downbeat, beats, spans }) {
    this.downbeat = downbeat;
    this.formBeats = beats;
    this.spans = spans.map(([startBeat, symbol, pitchClasses]) => ({ startBeat, symbol, pitchClasses }));
  }

  // The chord at a beat, where it begins and where the next one does.
  at(beat) {
    const position = beat - this.downbeat + TOLERANCE_BEATS;
    const roundStart = Math.floor(position / this.formBeats) * this.formBeats;
    const index = this.spans.findLastIndex((span) => span.startBeat <= position - roundStart);
    const next = this.spans[(index + 1) % this.spans.length];
    const start = this.downbeat + roundStart;
    const endBeat = start + (index + 1 < this.spans.length ? next.startBeat : this.formBeats);
    return { ...this.spans[Math.max(index, 0)], startBeat: start + this.spans[Math.max(index, 0)].startBeat, endBeat, next };
  }
}
