// The computer keyboard as a piano: the row of A is the white keys, the row above the black ones; Z and X shift octaves,
// C and V how hard it plays, as the DAWs have it. It goes by where keys lie, not by what is printed on them.

export const STEPS = {
  KeyA: 0, KeyW: 1, KeyS: 2, KeyE: 3, KeyD: 4, KeyF: 5, KeyT: 6, KeyG: 7, KeyY: 8, KeyH: 9, KeyU: 10, KeyJ: 11,
  KeyK: 12, KeyO: 13, KeyL: 14, KeyP: 15, Semicolon: 16, Quote: 17,
}; // prettier-ignore

const LETTERS = { Semicolon: ";", Quote: "'" };
const TYPED_IN = "input:not([type=range]):not([type=radio]):not([type=checkbox]), select, textarea, dialog *";

export const letterOf = (code) => LETTERS[code] ?? code.replace("Key", "");

export class ComputerKeys {
  // `pitchOfA` tells the pitch of the key A; `shift` and `harder` do what Z, X, C and V ask for.
  constructor(hands, { pitchOfA, velocity, shift, harder }) {
    this.hands = hands;
    this.pitchOfA = pitchOfA;
    this.velocity = velocity;
    this.down = new Map();
    this.commands = { KeyZ: () => shift(-1), KeyX: () => shift(1), KeyC: () => harder(-1), KeyV: () => harder(1) };
    addEventListener("keydown", (event) => this.#press(event));
    addEventListener("keyup", (event) => this.#release(event.code));
    addEventListener("blur", () => [...this.down.keys()].forEach((code) => this.#release(code)));
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(TYPED_IN)) return;
    const step = STEPS[event.code];
    if (step !== undefined) {
      event.preventDefault();
      if (event.repeat || this.down.has(event.code)) return;
      const pitch = this.pitchOfA() + step;
      this.down.set(event.code, pitch);
      this.hands.press(event.code, pitch, this.velocity());
    } else if (this.commands[event.code] && !event.repeat) {
      event.preventDefault();
      this.commands[event.code]();
    }
  }

  #release(code) {
    // The octave may have been shifted since: it is the note that was pressed that ends.
    const pitch = this.down.get(code);
    if (pitch === undefined) return;
    this.down.delete(code);
    this.hands.release(code, pitch);
  }
}
