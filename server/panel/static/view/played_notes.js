// The notes of the last seconds, of both sides, as the piano roll draws them. It knows no sound and no canvas.

import { endsAllNotes } from "../music/midi_messages.js";

const KEPT_S = 20;

export class PlayedNotes {
  constructor() {
    this.clear();
  }

  clear() {
    this.notes = [];
    this.soundingNotes = new Map(); // side and pitch: the note
  }

  // Adds one note message of the jam. `kind` is "on", "off" or "control"; for "control", `pitch` is the controller's
  // number. `fromMemory` is how much of the note came from memory, 0 to 1.
  add([side, atS, kind, pitch, value], fromMemory = 0) {
    if (kind === "control") {
      if (endsAllNotes(pitch)) this.#endNotes(side, atS);
      return;
    }
    const key = side + pitch;
    const sounding = this.soundingNotes.get(key);
    if (sounding) {
      sounding.endS = atS;
      this.soundingNotes.delete(key);
    }
    if (kind === "on") {
      const note = { side, pitch, startS: atS, endS: null, velocity: value, fromMemory };
      this.notes.push(note);
      this.soundingNotes.set(key, note);
    }
  }

  // Removes the notes that have left the roll.
  prune(nowS) {
    if (this.notes.length && this.notes[0].startS < nowS - KEPT_S) {
      this.notes = this.notes.filter((note) => note.endS === null || note.endS > nowS - KEPT_S);
    }
  }

  #endNotes(side, atS) {
    for (const [key, note] of this.soundingNotes) {
      if (note.side === side) {
        note.endS = atS;
        this.soundingNotes.delete(key);
      }
    }
  }
}
