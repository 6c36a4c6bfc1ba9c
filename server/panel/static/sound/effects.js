// The effects that all instruments share: a little chorus, a little reverb, and a compressor.

const REVERB_S = 1.5;

// `input` is the node that instruments play into; the gain of `output` is the volume.
export function createEffects(context) {
  const input = context.createGain();
  const output = context.createGain();
  const compressor = context.createDynamicsCompressor();
  compressor.threshold.value = -20;
  compressor.knee.value = 18;
  compressor.ratio.value = 3.5;
  compressor.attack.value = 0.004;
  compressor.release.value = 0.18;
  input.connect(compressor);
  addChorus(context, input, compressor);
  addReverb(context, input, compressor);
  compressor.connect(output).connect(context.destination);
  return { input, output };
}

function addChorus(context, input, output) {
  const wet = context.createGain();
  wet.gain.value = 0.24;
  const merger = context.createChannelMerger(2);
  [
    [0.011, 0.0016, 0.63],
    [0.014, 0.0019, 0.47],
  ].forEach(([delayS, depthS, rateHz], channel) => {
    const delay = context.createDelay(0.05);
    delay.delayTime.value = delayS;
    const lfo = context.createOscillator();
    lfo.frequency.value = rateHz;
    const depth = context.createGain();
    depth.gain.value = depthS;
    lfo.connect(depth).connect(delay.delayTime);
    lfo.start();
    input.connect(delay).connect(merger, 0, channel);
  });
  merger.connect(wet).connect(output);
}

// A convolution with noise that decays and grows duller, which is close to the impulse response of a room.
function addReverb(context, input, output) {
  const length = Math.floor(context.sampleRate * REVERB_S);
  const impulse = context.createBuffer(2, length, context.sampleRate);
  for (let channel = 0; channel < 2; channel++) {
    const samples = impulse.getChannelData(channel);
    let smoothed = 0;
    for (let i = 0; i < length; i++) {
      const decay = (1 - i / length) ** 3;
      smoothed += ((Math.random() * 2 - 1) * decay - smoothed) * (0.15 + 0.5 * decay);
      samples[i] = smoothed;
    }
  }
  const convolver = context.createConvolver();
  convolver.buffer = impulse;
  const wet = context.createGain();
  wet.gain.value = 0.3;
  input.connect(convolver).connect(wet).connect(output);
}
