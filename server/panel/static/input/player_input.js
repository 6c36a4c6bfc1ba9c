// What the player plays on: the screen, the computer keyboard and MIDI keyboards all press keys here. Every source
// releases its own keys, so a pitch ends when the last source that holds it lets go.

import { CONTROL_CHANGE, NOTE_OFF, NOTE_ON, SUSTAIN_PEDAL, isPedalDown } from "../music/midi_messages.js";
import { HIGHEST_PITCH, LOWEST_PITCH } from "../music/pitches.js";

export class PlayerInput {
  constructor(connection, sound) {
    this.connection = connection;
    this.sound = sound;
    this.heldPitches = new Map(); // pitch: the sources that hold it
    this.heldPedals = new Map(); // channel, from 0: the sources that hold its sustain pedal down
    this.onChange = () => {}; // is called after a key went down or came up
    this.isBound = () => false; // whether a controller, on a channel from 0, moves a control of the jam
    addEventListener("blur", () => this.releaseAll());
    document.addEventListener("visibilitychange", () => document.hidden && this.releaseAll());
  }

  // `source` is any value that is unique to a finger, a key or a MIDI keyboard.
  pressKey(source, pitch, velocity) {
    if (pitch < LOWEST_PITCH || pitch > HIGHEST_PITCH) return;
    const sources = this.heldPitches.get(pitch) ?? new Set();
    if (sources.has(source)) return;
    if (sources.size) this.#send(NOTE_OFF, pitch, 0);
    sources.add(source);
    this.heldPitches.set(pitch, sources);
    this.sound.pressKey(pitch, velocity);
    this.#send(NOTE_ON, pitch, Math.min(Math.max(Math.round(velocity), 1), 127));
    this.onChange();
  }

  releaseKey(source, pitch) {
    const sources = this.heldPitches.get(pitch);
    if (!sources?.delete(source)) return;
    if (sources.size) return;
    this.heldPitches.delete(pitch);
    this.sound.releaseKey(pitch);
    this.#send(NOTE_OFF, pitch, 0);
    this.onChange();
  }

  releaseAll() {
    for (const [pitch, sources] of [...this.heldPitches]) {
      for (const source of [...sources]) this.releaseKey(source, pitch);
    }
  }

  // Releases the keys and pedals that one source holds.
  releaseSource(source) {
    for (const [pitch, sources] of [...this.heldPitches]) if (sources.has(source)) this.releaseKey(source, pitch);
    for (const [channel, sources] of [...this.heldPedals]) {
      if (sources.delete(source) && !sources.size) this.#moveController(SUSTAIN_PEDAL, 0, channel);
    }
  }

  // A knob, a pedal or a wheel of a source moves.
  moveController(source, controller, value, channel) {
    if (controller === SUSTAIN_PEDAL) {
      const sources = this.heldPedals.get(channel) ?? new Set();
      if (isPedalDown(value)) sources.add(source);
      else sources.delete(source);
      this.heldPedals.set(channel, sources);
    }
    this.#moveController(controller, value, channel);
  }

  #moveController(controller, value, channel) {
    if (controller === SUSTAIN_PEDAL && !this.isBound(controller, channel)) this.sound.setPedal(isPedalDown(value));
    this.#send(CONTROL_CHANGE | channel, controller, value);
  }

  #send(status, number, value) {
    this.connection.send({ type: "play", data: [status, number, value] });
  }
}
