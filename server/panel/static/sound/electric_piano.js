// An electric piano: one sine modulates another (FM), and a short tine rings above them. It knows no time but the audio
// clock's, in seconds, and does not know whose notes it plays.

import { frequencyHz } from "../music/pitches.js";

const MOST_VOICES = 20;
const LOUDEST = 0.3;
const ATTACK_S = 0.003;
const RELEASE_S = 0.09;
const CANCEL_S = 0.004;
const TINE_HIGHEST_HZ = 9000;

export class ElectricPiano {
  // `brightness` is 1 as usual; `pan` is from -1, left, to 1, right.
  constructor(context, output, { brightness, pan }) {
    this.context = context;
    this.brightness = brightness;
    this.voices = [];
    this.input = context.createGain();
    const panner = context.createStereoPanner();
    panner.pan.value = pan;
    this.input.connect(createTremolo(context, panner));
    panner.connect(output);
  }

  // Starts a note at `atS` of the audio clock. Of what is returned, `release(atS)` ends it, and `cancel()` takes it back
  // before anything of it was heard.
  startNote(pitch, velocity, atS) {
    const { context, brightness } = this;
    const force = velocity / 127;
    const frequency = frequencyHz(pitch);
    // A higher note is shorter and purer, like a struck metal bar.
    const height = Math.min(Math.max((pitch - 36) / 60, 0), 1);
    const decayS = 2.2 - 1.5 * height;

    const output = context.createGain();
    const body = context.createGain();
    body.gain.setValueAtTime(0, atS);
    body.gain.linearRampToValueAtTime(LOUDEST * force ** 1.5 + 0.015, atS + ATTACK_S);
    body.gain.setTargetAtTime(0, atS + ATTACK_S, decayS);

    const carrier = startSine(context, frequency, atS);
    const modulator = startSine(context, frequency * 1.0007, atS);
    const modulation = context.createGain();
    const depth = brightness * frequency * (0.35 + 2.1 * force ** 2) * (1 - 0.65 * height);
    modulation.gain.setValueAtTime(depth, atS);
    modulation.gain.setTargetAtTime(depth * 0.16, atS, 0.3 - 0.15 * height);
    modulator.connect(modulation).connect(carrier.frequency);
    carrier.connect(body);

    const tine = startSine(context, Math.min(frequency * 7.02, TINE_HIGHEST_HZ), atS);
    const tineGain = context.createGain();
    tineGain.gain.setValueAtTime(0, atS);
    tineGain.gain.linearRampToValueAtTime(0.055 * brightness * force ** 1.8 * (1 - 0.6 * height), atS + ATTACK_S);
    tineGain.gain.setTargetAtTime(0, atS + ATTACK_S, 0.07);
    tine.connect(tineGain).connect(output);
    body.connect(output).connect(this.input);

    const voice = { oscillators: [carrier, modulator, tine], output, context, releasedS: Infinity };
    carrier.onended = () => {
      output.disconnect();
      this.voices = this.voices.filter((other) => other !== voice);
    };
    this.voices.push(voice);
    stopOscillators(voice, atS + decayS * 6);
    if (this.voices.length > MOST_VOICES) {
      release(this.voices.find((one) => one.releasedS === Infinity) ?? voice, atS);
    }
    return {
      release: (releaseS) => release(voice, releaseS),
      cancel: () => release(voice, context.currentTime, CANCEL_S),
    };
  }

  releaseAll() {
    for (const voice of this.voices) release(voice, this.context.currentTime);
  }
}

function release(voice, atS, withinS = RELEASE_S) {
  const nowS = voice.context.currentTime;
  // A release that has begun goes on unchanged.
  if (voice.releasedS <= nowS) return;
  const releaseS = Math.max(atS, nowS);
  voice.releasedS = releaseS;
  voice.output.gain.cancelScheduledValues(0);
  voice.output.gain.setTargetAtTime(0, releaseS, withinS);
  stopOscillators(voice, releaseS + withinS * 8);
}

function stopOscillators(voice, atS) {
  for (const oscillator of voice.oscillators) oscillator.stop(atS);
}

function startSine(context, frequency, atS) {
  const oscillator = context.createOscillator();
  oscillator.frequency.value = frequency;
  oscillator.start(atS);
  return oscillator;
}

// A slow stereo tremolo, as electric pianos with two loudspeakers have it. Returns its input.
function createTremolo(context, output) {
  const input = context.createGain();
  const merger = context.createChannelMerger(2);
  const lfo = context.createOscillator();
  lfo.frequency.value = 4.6;
  [0.13, -0.13].forEach((depth, channel) => {
    const channelGain = context.createGain();
    const amount = context.createGain();
    amount.gain.value = depth;
    channelGain.gain.value = 0.87;
    lfo.connect(amount).connect(channelGain.gain);
    input.connect(channelGain).connect(merger, 0, channel);
  });
  lfo.start();
  merger.connect(output);
  return input;
}
