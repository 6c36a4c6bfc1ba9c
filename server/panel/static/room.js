// The room that the instruments stand in: a little chorus, a little reverberation, and a compressor at the door.

const REVERB_S = 1.5;

// Where instruments play into, and how loud it comes out.
export function makeRoom(context) {
  const input = context.createGain();
  const output = context.createGain();
  const compressor = context.createDynamicsCompressor();
  compressor.threshold.value = -20;
  compressor.knee.value = 18;
  compressor.ratio.value = 3.5;
  compressor.attack.value = 0.004;
  compressor.release.value = 0.18;
  input.connect(compressor);
  chorus(context, input, compressor);
  reverberation(context, input, compressor);
  compressor.connect(output).connect(context.destination);
  return { input, output };
}

function chorus(context, input, output) {
  const wet = context.createGain();
  wet.gain.value = 0.24;
  const merger = context.createChannelMerger(2);
  [
    [0.011, 0.0016, 0.63],
    [0.014, 0.0019, 0.47],
  ].forEach(([delayS, depthS, rateHz], side) => {
    const delay = context.createDelay(0.05);
    delay.delayTime.value = delayS;
    const swing = context.createOscillator();
    swing.frequency.value = rateHz;
    const depth = context.createGain();
    depth.gain.value = depthS;
    swing.connect(depth).connect(delay.delayTime);
    swing.start();
    input.connect(delay).connect(merger, 0, side);
  });
  merger.connect(wet).connect(output);
}

// Noise that dies away is what a room answers.
function reverberation(context, input, output) {
  const length = Math.floor(context.sampleRate * REVERB_S);
  const answer = context.createBuffer(2, length, context.sampleRate);
  for (let side = 0; side < 2; side++) {
    const samples = answer.getChannelData(side);
    let smooth = 0;
    for (let i = 0; i < length; i++) {
      const fall = (1 - i / length) ** 3;
      smooth += ((Math.random() * 2 - 1) * fall - smooth) * (0.15 + 0.5 * fall);
      samples[i] = smooth;
    }
  }
  const convolver = context.createConvolver();
  convolver.buffer = answer;
  const wet = context.createGain();
  wet.gain.value = 0.3;
  input.connect(convolver).connect(wet).connect(output);
}
