// What sounds, and when: your keys at once, the partner's notes at the moment for which they are planned, on the audio
// clock. A plan that is changed takes back what has not sounded.

import { makeRoom } from "./room.js";
import { ElectricPiano } from "./voice.js";
import { HIGHEST, LOWEST } from "./notes.js";

// Planned notes are handed to the audio clock so long before they are due.
const AHEAD_S = 0.12;
const LOOK_EVERY_MS = 25;
// A planned note that has not been played by so long after it was due will not be.
const MISSED_S = 0.25;
// What is told of so near a planned note of its pitch is that note.
export const SAME_NOTE_S = 0.15;
// What comes back from the jam so soon after it was played here was played here.
const ECHO_MS = 1500;

const SUSTAIN = 64;

export class Band {
  // `nowS` is the jam's clock.
  constructor(nowS) {
    this.nowS = nowS;
    this.volume = 0.8;
    this.isMuted = false;
    this.clicks = false;
    this.mine = new Map(); // key: the voice of a key that is down here
    this.echoes = [];
    this.others = new Map(); // pitch: the voice of a key that is down elsewhere
    this.partner = new Map(); // pitch: a voice of the partner's that sounds
    this.ahead = new Map(); // a planned note: its voice, which has not been told of yet
    this.plan = [];
    this.velocity = 80;
    this.pedal = { isDown: false, held: [] };
  }

  get isOn() {
    return this.context?.state === "running";
  }

  // A browser lets a page sound once somebody has touched it.
  async wake() {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.room = makeRoom(this.context);
      this.player = new ElectricPiano(this.context, this.room.input, { color: 1, pan: -0.15 });
      this.other = new ElectricPiano(this.context, this.room.input, { color: 0.62, pan: 0.2 });
      this.#setVolume();
      setInterval(() => this.#look(), LOOK_EVERY_MS);
    }
    if (this.context.state !== "running") await this.context.resume();
  }

  setVolume(volume) {
    this.volume = volume;
    this.#setVolume();
  }

  mute(isMuted) {
    this.isMuted = isMuted;
    this.#setVolume();
  }

  // A key of this page.
  press(pitch, velocity) {
    this.echoes.push({ pitch, untilMs: performance.now() + ECHO_MS });
    if (this.isOn) {
      this.mine.get(pitch)?.release(0);
      this.mine.set(pitch, this.player.press(pitch, velocity, this.context.currentTime));
    }
  }

  release(pitch) {
    this.#letGo(this.mine, pitch);
  }

  setPedal(isDown) {
    this.pedal.isDown = isDown;
    if (!isDown) for (const voice of this.pedal.held.splice(0)) voice.release(0);
  }

  // What the jam has told of.
  take([side, atS, kind, pitch, velocity]) {
    if (kind === "on") this.velocity = velocity;
    if (kind === "control" && (pitch === 120 || pitch === 123)) this.silence();
    else if (side === "player") this.#takePlayer(kind, pitch, velocity);
    else if (this.isOn && kind === "on") this.#takePartner(atS, pitch, velocity);
    else if (kind === "off") this.#letGo(this.partner, pitch, false);
  }

  // What is planned, and when it is due; notes begin with pitch, beat and beats.
  setPlan(notes, timeline, transpose, offsetMs) {
    this.plan = notes.map(([pitch, beat, beats]) => ({
      key: `${pitch}@${beat}`,
      pitch: Math.min(Math.max(pitch + transpose, LOWEST), HIGHEST),
      dueS: timeline.secondsAt(beat) + offsetMs / 1000,
      endS: timeline.secondsAt(beat + beats) + offsetMs / 1000,
    }));
    const keys = new Set(this.plan.map((note) => note.key));
    for (const [key, { voice, dueS }] of this.ahead) {
      // One that is due has left the plan by being played, of which the news is on its way.
      if (!keys.has(key) && dueS > this.nowS()) {
        voice.cancel();
        this.ahead.delete(key);
      }
    }
    this.#look();
  }

  // A beat of the metronome, in the jam's seconds.
  click(atS, isBar) {
    if (!this.isOn || this.isMuted) return;
    const whenS = this.#audioS(atS);
    const tone = this.context.createOscillator();
    const shape = this.context.createGain();
    tone.frequency.value = isBar ? 1760 : 1175;
    shape.gain.setValueAtTime(isBar ? 0.16 : 0.09, whenS);
    shape.gain.setTargetAtTime(0, whenS + 0.004, 0.014);
    tone.connect(shape).connect(this.room.output);
    tone.start(whenS);
    tone.stop(whenS + 0.12);
  }

  silence() {
    for (const { voice } of this.ahead.values()) voice.cancel();
    for (const voices of [this.ahead, this.partner, this.others, this.mine]) voices.clear();
    this.pedal.held = [];
    this.player?.releaseAll();
    this.other?.releaseAll();
  }

  #takePlayer(kind, pitch, velocity) {
    if (kind === "control") {
      if (pitch === SUSTAIN) this.setPedal(velocity >= 64);
      return;
    }
    if (kind === "off") {
      this.#letGo(this.others, pitch);
      return;
    }
    const nowMs = performance.now();
    this.echoes = this.echoes.filter((echo) => echo.untilMs > nowMs);
    const echo = this.echoes.findIndex((one) => one.pitch === pitch);
    if (echo >= 0) this.echoes.splice(echo, 1);
    else if (this.isOn) {
      this.others.get(pitch)?.release(0);
      this.others.set(pitch, this.player.press(pitch, velocity, this.context.currentTime));
    }
  }

  #takePartner(atS, pitch, velocity) {
    this.partner.get(pitch)?.release(0);
    for (const [key, note] of this.ahead) {
      if (note.pitch === pitch && Math.abs(note.dueS - atS) < SAME_NOTE_S) {
        this.ahead.delete(key);
        this.partner.set(pitch, note.voice);
        return;
      }
    }
    this.partner.set(pitch, this.other.press(pitch, velocity, this.context.currentTime));
  }

  #letGo(voices, pitch, underPedal = true) {
    const voice = voices.get(pitch);
    if (!voice) return;
    voices.delete(pitch);
    if (underPedal && this.pedal.isDown) this.pedal.held.push(voice);
    else voice.release(0);
  }

  // What is due soon goes to the audio clock.
  #look() {
    if (!this.isOn) return;
    const nowS = this.nowS();
    for (const note of this.plan) {
      if (note.dueS - nowS < AHEAD_S && note.dueS > nowS - 0.02 && !this.ahead.has(note.key)) {
        const voice = this.other.press(note.pitch, this.velocity, this.#audioS(note.dueS));
        voice.release(this.#audioS(note.endS));
        this.ahead.set(note.key, { ...note, voice });
      }
    }
    this.plan = this.plan.filter((note) => note.dueS > nowS - 0.02);
    for (const [key, { voice, dueS }] of this.ahead) {
      if (dueS < nowS - MISSED_S) {
        voice.release(0);
        this.ahead.delete(key);
      }
    }
  }

  // The audio clock moves in blocks: the furthest it was ever ahead of ours is where it really is.
  #audioS(atS) {
    const { currentTime } = this.context;
    const offsetS = currentTime - performance.now() / 1000;
    const isFar = this.offsetS === undefined || Math.abs(offsetS - this.offsetS) > 0.05;
    this.offsetS = isFar ? offsetS : Math.max(offsetS, this.offsetS - 0.00002);
    const whenS = performance.now() / 1000 + (atS - this.nowS()) + this.offsetS;
    return Math.max(whenS, currentTime);
  }

  #setVolume() {
    const level = this.isMuted ? 0 : this.volume ** 2 * 1.6;
    this.room?.output.gain.setTargetAtTime(level, this.context.currentTime, 0.02);
  }
}
