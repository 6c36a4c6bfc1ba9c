// The sound of the band on this page: a bass, an electric piano for its chords, and drums of noise. It knows no time but the
// audio clock's, in seconds, and nothing of the jam.

import { frequencyHz } from "../music/pitches.js";
import { ElectricPiano } from "./electric_piano.js";

const CANCEL_S = 0.004;
const BASS = { level: 0.5, attackS: 0.006, releaseS: 0.05, cutoffHz: 900 };
const CHORDS_LEVEL = 0.75;
// Each drum of General MIDI that the band uses: noise through a filter, or a tone that falls.
const DRUMS = {
  36: { tone: [120, 48], decayS: 0.13, level: 0.85 },
  37: { noise: "bandpass", hz: 1900, q: 4, decayS: 0.035, level: 0.7 },
  38: { noise: "bandpass", hz: 1700, q: 0.7, decayS: 0.11, level: 0.5, tone: [210, 160] },
  42: { noise: "highpass", hz: 8200, q: 0.7, decayS: 0.035, level: 0.28 },
  44: { noise: "highpass", hz: 7000, q: 0.7, decayS: 0.05, level: 0.24 },
  46: { noise: "highpass", hz: 7400, q: 0.7, decayS: 0.22, level: 0.26 },
  49: { noise: "highpass", hz: 4600, q: 0.4, decayS: 0.7, level: 0.26 },
  51: { noise: "highpass", hz: 6200, q: 0.9, decayS: 0.24, level: 0.2 },
};

export class BandSound {
  constructor(context, output) {
    this.context = context;
    this.output = context.createGain();
    this.output.connect(output);
    const chords = context.createGain();
    chords.gain.value = CHORDS_LEVEL;
    chords.connect(this.output);
    this.piano = new ElectricPiano(context, chords, { brightness: 0.4, pan: -0.3 });
    this.noise = createNoise(context);
  }

  // Plays a note from `atS` to `endS` of the audio clock. `cancel()` of what is returned takes it back, or ends it.
  playNote(instrument, pitch, velocity, atS, endS) {
    if (instrument === "chords") {
      const voice = this.piano.startNote(pitch, velocity, atS);
      voice.release(endS);
      return voice;
    }
    return instrument === "bass" ? this.#playBass(pitch, velocity, atS, endS) : this.#playDrum(pitch, velocity, atS);
  }

  #playBass(pitch, velocity, atS, endS) {
    const { context } = this;
    const gain = context.createGain();
    const filter = context.createBiquadFilter();
    filter.frequency.setValueAtTime(BASS.cutoffHz, atS);
    filter.frequency.setTargetAtTime(BASS.cutoffHz / 3, atS, 0.15);
    gain.gain.setValueAtTime(0, atS);
    gain.gain.linearRampToValueAtTime(BASS.level * (velocity / 127) ** 1.3, atS + BASS.attackS);
    gain.gain.setTargetAtTime(0, Math.max(endS, atS + BASS.attackS), BASS.releaseS);
    const oscillator = context.createOscillator();
    oscillator.type = "triangle";
    oscillator.frequency.value = frequencyHz(pitch);
    oscillator.connect(filter).connect(gain).connect(this.output);
    return this.#start(oscillator, gain, atS, endS + 8 * BASS.releaseS);
  }

  #playDrum(pitch, velocity, atS) {
    const { context } = this;
    const drum = DRUMS[pitch] ?? DRUMS[37];
    const gain = context.createGain();
    const loudness = drum.level * (velocity / 127) ** 1.4;
    gain.gain.setValueAtTime(loudness, atS);
    gain.gain.setTargetAtTime(0, atS + 0.002, drum.decayS / 2);
    gain.connect(this.output);
    const untilS = atS + drum.decayS * 6;
    const sources = [];
    if (drum.noise) {
      const filter = context.createBiquadFilter();
      Object.assign(filter, { type: drum.noise });
      filter.frequency.value = drum.hz;
      filter.Q.value = drum.q;
      const source = context.createBufferSource();
      source.buffer = this.noise;
      source.loop = true;
      source.connect(filter).connect(gain);
      sources.push(source);
    }
    if (drum.tone) {
      const source = context.createOscillator();
      source.frequency.setValueAtTime(drum.tone[0], atS);
      source.frequency.exponentialRampToValueAtTime(drum.tone[1], atS + drum.decayS);
      source.connect(gain);
      sources.push(source);
    }
    const voices = sources.map((source) => this.#start(source, gain, atS, untilS));
    return { cancel: () => voices.forEach((voice) => voice.cancel()) };
  }

  #start(source, gain, atS, untilS) {
    const { context } = this;
    source.start(atS);
    source.stop(untilS);
    source.onended = () => gain.disconnect();
    return {
      cancel() {
        gain.gain.cancelScheduledValues(0);
        gain.gain.setTargetAtTime(0, context.currentTime, CANCEL_S);
        source.stop(context.currentTime + 8 * CANCEL_S);
      },
    };
  }
}

function createNoise(context) {
  const buffer = context.createBuffer(1, context.sampleRate, context.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i++) samples[i] = Math.random() * 2 - 1;
  return buffer;
}
