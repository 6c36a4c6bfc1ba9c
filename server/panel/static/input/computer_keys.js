// The computer keyboard as a piano: the row of A holds the white keys, the row above it the black ones. Z and X shift
// octaves, and C and V change the velocity, as in many DAWs. It goes by where a key lies (`event.code`), so it works on
// every keyboard layout.

export const SEMITONES = {
  KeyA: 0, KeyW: 1, KeyS: 2, KeyE: 3, KeyD: 4, KeyF: 5, KeyT: 6, KeyG: 7, KeyY: 8, KeyH: 9, KeyU: 10, KeyJ: 11,
  KeyK: 12, KeyO: 13, KeyL: 14, KeyP: 15, Semicolon: 16, Quote: 17,
}; // prettier-ignore

const LABELS = { Semicolon: ";", Quote: "'" };
// Where letters are typed, they are not played.
const TEXT_INPUTS = "input:not([type=range]):not([type=radio]):not([type=checkbox]), select, textarea, dialog *";

export const keyLabel = (code) => LABELS[code] ?? code.replace("Key", "");

export class ComputerKeys {
  // `basePitch` returns the pitch that the computer key A plays, `velocity` how hard keys play. `shiftOctave` and
  // `changeVelocity` take a step of 1 or -1.
  constructor(input, { basePitch, velocity, shiftOctave, changeVelocity }) {
    this.input = input;
    this.basePitch = basePitch;
    this.velocity = velocity;
    this.pitchByCode = new Map(); // the keys that are down
    this.commands = {
      KeyZ: () => shiftOctave(-1),
      KeyX: () => shiftOctave(1),
      KeyC: () => changeVelocity(-1),
      KeyV: () => changeVelocity(1),
    };
    addEventListener("keydown", (event) => this.#onKeyDown(event));
    addEventListener("keyup", (event) => this.#release(event.code));
    addEventListener("blur", () => [...this.pitchByCode.keys()].forEach((code) => this.#release(code)));
  }

  #onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(TEXT_INPUTS)) return;
    const semitones = SEMITONES[event.code];
    if (semitones !== undefined) {
      event.preventDefault();
      if (event.repeat || this.pitchByCode.has(event.code)) return;
      const pitch = this.basePitch() + semitones;
      this.pitchByCode.set(event.code, pitch);
      this.input.pressKey(event.code, pitch, this.velocity());
    } else if (this.commands[event.code] && !event.repeat) {
      event.preventDefault();
      this.commands[event.code]();
    }
  }

  #release(code) {
    // The octave may have been shifted since the key went down, so the pitch is the one that was pressed.
    const pitch = this.pitchByCode.get(code);
    if (pitch === undefined) return;
    this.pitchByCode.delete(code);
    this.input.releaseKey(code, pitch);
  }
}
