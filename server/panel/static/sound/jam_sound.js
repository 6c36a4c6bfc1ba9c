// The sound of the page: the player's keys at once, and the partner's notes at the moment for which they are planned,
// on the audio clock. When the plan changes, its notes that have not sounded yet are taken back.

import { SUSTAIN_PEDAL, endsAllNotes, isPedalDown } from "../music/midi_messages.js";
import { HIGHEST_PITCH, LOWEST_PITCH } from "../music/pitches.js";
import { BandSchedule } from "./band_schedule.js";
import { BandSound } from "./band_sound.js";
import { createEffects } from "./effects.js";
import { ElectricPiano } from "./electric_piano.js";

// Planned notes are handed to the audio clock this long before their onset.
const SCHEDULE_AHEAD_S = 0.12;
const SCHEDULE_EVERY_MS = 25;
// A planned note may still be scheduled this long after its onset.
const SCHEDULE_LATEST_S = 0.02;
// If the jam has not reported a scheduled note as played this long after its onset, it was not played, and it ends.
const MISSED_S = 0.25;
// A note that the jam reports this close to a planned note of the same pitch is that planned note.
export const SAME_NOTE_S = 0.15;
// A note of the player that the jam reports this soon after a key of this page is that key, which has sounded already.
const ECHO_MS = 1500;

export class JamSound {
  // `nowS` returns the time of the jam's clock.
  constructor(nowS) {
    this.nowS = nowS;
    this.volume = 0.8;
    this.isMuted = false;
    this.isClickOn = false;
    this.ownVoices = new Map(); // pitch: the voice of a key that is down on this page
    this.expectedEchoes = [];
    this.remoteVoices = new Map(); // pitch: the voice of a key that is down elsewhere
    this.partnerVoices = new Map(); // pitch: the voice of a partner's note that is reported as played
    this.scheduledNotes = new Map(); // key of a planned note: the note and its voice, until it is reported as played
    this.plan = [];
    this.partnerVelocity = 80;
    this.pedal = { isDown: false, heldVoices: [] };
    this.bandSchedule = new BandSchedule(nowS, ({ instrument, pitch, velocity, onsetS, endS }) =>
      this.band.playNote(instrument, pitch, velocity, this.#toAudioS(onsetS), this.#toAudioS(endS)),
    );
  }

  get isRunning() {
    return this.context?.state === "running";
  }

  // A browser lets a page sound only after somebody has touched it, so call this from an event handler of the user's.
  async start() {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.effects = createEffects(this.context);
      this.playerPiano = new ElectricPiano(this.context, this.effects.input, { brightness: 1, pan: -0.15 });
      this.partnerPiano = new ElectricPiano(this.context, this.effects.input, { brightness: 0.62, pan: 0.2 });
      this.band = new BandSound(this.context, this.effects.input);
      this.#applyVolume();
      setInterval(() => this.#schedulePlan(), SCHEDULE_EVERY_MS);
    }
    if (this.context.state !== "running") await this.context.resume();
  }

  // From 0 to 1.
  setVolume(volume) {
    this.volume = volume;
    this.#applyVolume();
  }

  setMuted(isMuted) {
    this.isMuted = isMuted;
    this.#applyVolume();
  }

  // A key of this page goes down.
  pressKey(pitch, velocity) {
    this.expectedEchoes.push({ pitch, untilMs: performance.now() + ECHO_MS });
    if (this.isRunning) this.#startPlayerVoice(this.ownVoices, pitch, velocity);
  }

  releaseKey(pitch) {
    this.#releaseVoice(this.ownVoices, pitch);
  }

  setPedal(isDown) {
    this.pedal.isDown = isDown;
    if (!isDown) for (const voice of this.pedal.heldVoices.splice(0)) voice.release(0);
  }

  // One note message of the jam. For the kind "control", `pitch` is the controller's number and `velocity` its value.
  handleNote([side, atS, kind, pitch, velocity]) {
    if (kind === "on") this.partnerVelocity = velocity;
    if (kind === "control" && endsAllNotes(pitch)) this.stopAll();
    else if (side === "player") this.#handlePlayerNote(kind, pitch, velocity);
    else if (this.isRunning && kind === "on") this.#handlePartnerOnset(atS, pitch, velocity);
    else if (kind === "off") this.#releaseVoice(this.partnerVoices, pitch, false);
  }

  // `plan` is the partner's planned notes, each with a `key` of its own, a `pitch`, and `onsetS` and `endS` on the jam's
  // clock.
  setPlan(plan) {
    this.plan = plan.map((note) => ({ ...note, pitch: Math.min(Math.max(note.pitch, LOWEST_PITCH), HIGHEST_PITCH) }));
    const keys = new Set(this.plan.map((note) => note.key));
    for (const [key, { voice, onsetS }] of this.scheduledNotes) {
      // A note whose onset has passed left the plan because it was played; the report of that is on its way.
      if (!keys.has(key) && onsetS > this.nowS()) {
        voice.cancel();
        this.scheduledNotes.delete(key);
      }
    }
    this.#schedulePlan();
  }

  // `plan` is what the band plays next: see `BandSchedule`.
  setBandPlan(plan) {
    this.bandSchedule.setPlan(plan);
    if (this.isRunning) this.bandSchedule.schedule();
  }

  // One click of the metronome, at a time of the jam's clock.
  scheduleClick(atS, isBarLine) {
    if (!this.isRunning || this.isMuted) return;
    const audioS = this.#toAudioS(atS);
    const tone = this.context.createOscillator();
    const envelope = this.context.createGain();
    tone.frequency.value = isBarLine ? 1760 : 1175;
    envelope.gain.setValueAtTime(isBarLine ? 0.16 : 0.09, audioS);
    envelope.gain.setTargetAtTime(0, audioS + 0.004, 0.014);
    tone.connect(envelope).connect(this.effects.output);
    tone.start(audioS);
    tone.stop(audioS + 0.12);
  }

  stopAll() {
    this.bandSchedule.stop();
    for (const { voice } of this.scheduledNotes.values()) voice.cancel();
    for (const voices of [this.scheduledNotes, this.partnerVoices, this.remoteVoices, this.ownVoices]) voices.clear();
    this.pedal.heldVoices = [];
    this.playerPiano?.releaseAll();
    this.partnerPiano?.releaseAll();
  }

  #handlePlayerNote(kind, pitch, velocity) {
    if (kind === "control") {
      if (pitch === SUSTAIN_PEDAL) this.setPedal(isPedalDown(velocity));
      return;
    }
    if (kind === "off") {
      this.#releaseVoice(this.remoteVoices, pitch);
      return;
    }
    const nowMs = performance.now();
    this.expectedEchoes = this.expectedEchoes.filter((echo) => echo.untilMs > nowMs);
    const echo = this.expectedEchoes.findIndex((one) => one.pitch === pitch);
    if (echo >= 0) this.expectedEchoes.splice(echo, 1);
    else if (this.isRunning) this.#startPlayerVoice(this.remoteVoices, pitch, velocity);
  }

  #startPlayerVoice(voices, pitch, velocity) {
    voices.get(pitch)?.release(0);
    voices.set(pitch, this.playerPiano.startNote(pitch, velocity, this.context.currentTime));
  }

  // The note sounds already where it was planned; otherwise it starts now.
  #handlePartnerOnset(atS, pitch, velocity) {
    this.partnerVoices.get(pitch)?.release(0);
    for (const [key, note] of this.scheduledNotes) {
      if (note.pitch === pitch && Math.abs(note.onsetS - atS) < SAME_NOTE_S) {
        this.scheduledNotes.delete(key);
        this.partnerVoices.set(pitch, note.voice);
        return;
      }
    }
    this.partnerVoices.set(pitch, this.partnerPiano.startNote(pitch, velocity, this.context.currentTime));
  }

  #releaseVoice(voices, pitch, obeysPedal = true) {
    const voice = voices.get(pitch);
    if (!voice) return;
    voices.delete(pitch);
    if (obeysPedal && this.pedal.isDown) this.pedal.heldVoices.push(voice);
    else voice.release(0);
  }

  // Hands the next planned notes to the audio clock, and ends those that were never played.
  #schedulePlan() {
    if (!this.isRunning) return;
    this.bandSchedule.schedule();
    const nowS = this.nowS();
    this.plan = this.plan.filter((note) => note.onsetS > nowS - SCHEDULE_LATEST_S);
    for (const note of this.plan) {
      if (note.onsetS - nowS < SCHEDULE_AHEAD_S && !this.scheduledNotes.has(note.key)) {
        const voice = this.partnerPiano.startNote(note.pitch, this.partnerVelocity, this.#toAudioS(note.onsetS));
        voice.release(this.#toAudioS(note.endS));
        this.scheduledNotes.set(note.key, { ...note, voice });
      }
    }
    for (const [key, { voice, onsetS }] of this.scheduledNotes) {
      if (onsetS < nowS - MISSED_S) {
        voice.release(0);
        this.scheduledNotes.delete(key);
      }
    }
  }

  // From the jam's clock to the audio clock. The audio clock moves in blocks, so its true offset to ours is the largest
  // that was measured; that estimate sinks slowly, as the two clocks drift.
  #toAudioS(atS) {
    const { currentTime } = this.context;
    const measuredS = currentTime - performance.now() / 1000;
    const isFarOff = this.audioOffsetS === undefined || Math.abs(measuredS - this.audioOffsetS) > 0.05;
    this.audioOffsetS = isFarOff ? measuredS : Math.max(measuredS, this.audioOffsetS - 0.00002);
    const audioS = performance.now() / 1000 + (atS - this.nowS()) + this.audioOffsetS;
    return Math.max(audioS, currentTime);
  }

  #applyVolume() {
    const gain = this.isMuted ? 0 : this.volume ** 2 * 1.6;
    this.effects?.output.gain.setTargetAtTime(gain, this.context.currentTime, 0.02);
  }
}
