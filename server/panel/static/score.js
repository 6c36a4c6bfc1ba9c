// The notes of the last seconds, of both sides, as the roll draws them; knows no sound and no canvas.

const KEPT_S = 20;

export class Score {
  constructor() {
    this.clear();
  }

  clear() {
    this.notes = [];
    this.open = new Map();
  }

  // One message: `kind` is on, off or control. How much of it came from memory is from 0 to 1.
  take([side, atS, kind, pitch, value], fromMemory = 0) {
    const key = side + pitch;
    if (kind === "control") {
      // All notes off, all sound off.
      if (pitch === 120 || pitch === 123) this.endAll(side, atS);
      return;
    }
    const sounding = this.open.get(key);
    if (sounding) {
      sounding.endS = atS;
      this.open.delete(key);
    }
    if (kind === "on") {
      const note = { side, pitch, startS: atS, endS: null, velocity: value, fromMemory };
      this.notes.push(note);
      this.open.set(key, note);
    }
  }

  endAll(side, atS) {
    for (const [key, note] of this.open) {
      if (note.side === side) {
        note.endS = atS;
        this.open.delete(key);
      }
    }
  }

  prune(nowS) {
    if (this.notes.length && this.notes[0].startS < nowS - KEPT_S) {
      this.notes = this.notes.filter((note) => note.endS === null || note.endS > nowS - KEPT_S);
    }
  }
}
