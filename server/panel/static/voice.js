// An electric piano: two sines that bend each other, and a tine above them that is gone at once; knows no time but the
// audio clock's, and nobody's notes.

import { frequencyOf } from "./notes.js";

const VOICES = 20;
const LOUDEST = 0.3;
const ATTACK_S = 0.003;
const RELEASE_S = 0.09;
const TINE_HIGHEST_HZ = 9000;

export class ElectricPiano {
  // `color` is how bright it is (1 as usual), `pan` where it stands, from -1 to 1.
  constructor(context, output, { color, pan }) {
    this.context = context;
    this.color = color;
    this.voices = [];
    this.input = context.createGain();
    const place = context.createStereoPanner();
    place.pan.value = pan;
    this.input.connect(tremolo(context, place));
    place.connect(output);
  }

  set level(level) {
    this.input.gain.setTargetAtTime(level, this.context.currentTime, 0.02);
  }

  // A note begins at `atS` of the audio clock; what is returned ends it.
  press(pitch, velocity, atS) {
    const { context, color } = this;
    const hit = velocity / 127;
    const frequency = frequencyOf(pitch);
    // The higher, the shorter and the purer, as a struck bar is.
    const height = Math.min(Math.max((pitch - 36) / 60, 0), 1);
    const ringS = 2.2 - 1.5 * height;

    const gate = context.createGain();
    const body = context.createGain();
    body.gain.setValueAtTime(0, atS);
    body.gain.linearRampToValueAtTime(LOUDEST * hit ** 1.5 + 0.015, atS + ATTACK_S);
    body.gain.setTargetAtTime(0, atS + ATTACK_S, ringS);

    const carrier = sine(context, frequency, atS);
    const bender = sine(context, frequency * 1.0007, atS);
    const bend = context.createGain();
    const depth = color * frequency * (0.35 + 2.1 * hit ** 2) * (1 - 0.65 * height);
    bend.gain.setValueAtTime(depth, atS);
    bend.gain.setTargetAtTime(depth * 0.16, atS, 0.3 - 0.15 * height);
    bender.connect(bend).connect(carrier.frequency);
    carrier.connect(body);

    const tine = sine(context, Math.min(frequency * 7.02, TINE_HIGHEST_HZ), atS);
    const ping = context.createGain();
    ping.gain.setValueAtTime(0, atS);
    ping.gain.linearRampToValueAtTime(0.055 * color * hit ** 1.8 * (1 - 0.6 * height), atS + ATTACK_S);
    ping.gain.setTargetAtTime(0, atS + ATTACK_S, 0.07);
    tine.connect(ping).connect(gate);
    body.connect(gate).connect(this.input);

    const voice = { parts: [carrier, bender, tine], gate, context, releasedS: Infinity };
    carrier.onended = () => {
      gate.disconnect();
      this.voices = this.voices.filter((other) => other !== voice);
    };
    this.voices.push(voice);
    stop(voice, atS + ringS * 6);
    if (this.voices.length > VOICES) release(this.voices.find((one) => one.releasedS === Infinity) ?? voice, atS);
    return {
      release: (whenS) => release(voice, whenS),
      // It was to begin, and is not to: nothing of it is heard.
      cancel: () => release(voice, context.currentTime, 0.004),
    };
  }

  releaseAll() {
    for (const voice of this.voices) release(voice, this.context.currentTime);
  }
}

function release(voice, atS, withinS = RELEASE_S) {
  const nowS = voice.context.currentTime;
  // A fall that has begun goes on as it is.
  if (voice.releasedS <= nowS) return;
  const whenS = Math.max(atS, nowS);
  voice.releasedS = whenS;
  voice.gate.gain.cancelScheduledValues(0);
  voice.gate.gain.setTargetAtTime(0, whenS, withinS);
  stop(voice, whenS + withinS * 8);
}

function stop(voice, atS) {
  for (const part of voice.parts) part.stop(atS);
}

function sine(context, frequency, atS) {
  const oscillator = context.createOscillator();
  oscillator.frequency.value = frequency;
  oscillator.start(atS);
  return oscillator;
}

// Slowly from side to side, as the old ones with their two loudspeakers.
function tremolo(context, output) {
  const input = context.createGain();
  const merger = context.createChannelMerger(2);
  const swing = context.createOscillator();
  swing.frequency.value = 4.6;
  [0.13, -0.13].forEach((depth, side) => {
    const channel = context.createGain();
    const amount = context.createGain();
    amount.gain.value = depth;
    channel.gain.value = 0.87;
    swing.connect(amount).connect(channel.gain);
    input.connect(channel).connect(merger, 0, side);
  });
  swing.start();
  merger.connect(output);
  return input;
}
