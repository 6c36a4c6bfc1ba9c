// Hands the band's notes to the audio clock shortly before they are due, and takes back those that the jam no longer plans.

const AHEAD_S = 0.15;
const LATEST_S = 0.03;
const KEPT_S = 4;

export class BandSchedule {
  // `play` starts a note and returns its voice; `nowS` is the time of the jam's clock.
  constructor(nowS, play) {
    this.nowS = nowS;
    this.play = play;
    this.plan = [];
    this.scheduled = new Map(); // key of a note: its voice and its onset
  }

  // Each note has a `key` of its own, `instrument`, `pitch`, `velocity`, `onsetS` and `endS`.
  setPlan(plan) {
    this.plan = plan;
    const keys = new Set(plan.map((note) => note.key));
    for (const [key, { voice, onsetS, endS }] of this.scheduled) {
      if (!keys.has(key) && (onsetS > this.nowS() || (!plan.length && endS > this.nowS()))) {
        voice.cancel();
        this.scheduled.delete(key);
      }
    }
  }

  // Is called some forty times a second.
  schedule() {
    const nowS = this.nowS();
    for (const note of this.plan) {
      const isDue = note.onsetS - nowS < AHEAD_S && note.onsetS > nowS - LATEST_S;
      if (isDue && !this.scheduled.has(note.key)) this.scheduled.set(note.key, { ...note, voice: this.play(note) });
    }
    for (const [key, { endS }] of this.scheduled) if (endS < nowS - KEPT_S) this.scheduled.delete(key);
  }

  stop() {
    this.plan = [];
    for (const { voice, endS } of this.scheduled.values()) if (endS > this.nowS()) voice.cancel();
    this.scheduled.clear();
  }
}
