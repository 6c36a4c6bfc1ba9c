// Whatever the player plays on: screen, computer keyboard and MIDI keyboards press the same keys, each lets go of its own.

export class Hands {
  constructor(link, band) {
    this.link = link;
    this.band = band;
    this.held = new Map(); // pitch: who holds it
    this.onChange = () => {};
    this.isBound = () => false; // whether a knob or a pedal moves a control of the jam
    addEventListener("blur", () => this.releaseAll());
    document.addEventListener("visibilitychange", () => document.hidden && this.releaseAll());
  }

  press(who, pitch, velocity) {
    if (pitch < 0 || pitch > 127) return;
    const holders = this.held.get(pitch) ?? new Set();
    if (holders.has(who)) return;
    if (holders.size) this.#send(0x80, pitch, 0);
    holders.add(who);
    this.held.set(pitch, holders);
    this.band.press(pitch, velocity);
    this.#send(0x90, pitch, Math.min(Math.max(Math.round(velocity), 1), 127));
    this.onChange(pitch);
  }

  release(who, pitch) {
    const holders = this.held.get(pitch);
    if (!holders?.delete(who)) return;
    if (holders.size) return;
    this.held.delete(pitch);
    this.band.release(pitch);
    this.#send(0x80, pitch, 0);
    this.onChange(pitch);
  }

  releaseAll() {
    for (const [pitch, holders] of [...this.held]) for (const who of [...holders]) this.release(who, pitch);
  }

  // A knob, a pedal or a wheel.
  control(number, value, channel) {
    if (number === 64 && !this.isBound(number, channel)) this.band.setPedal(value >= 64);
    this.#send(0xb0 | channel, number, value);
  }

  #send(status, number, value) {
    this.link.send({ type: "play", data: [status, number, value] });
  }
}
