// Plays the piano rolls of this page with a soft electric piano and a playhead over the notes. One roll plays at a time.
"use strict";
(() => {
  const AHEAD_S = 0.4; // notes are scheduled this early, so that a busy page drops none
  const MAX_RING_S = 3;
  let audio, mixBus, playing = null; // `playing`: the roll that sounds, with its button, timer and nodes

  // Creates the audio graph at the first click, as browsers allow sound only after a click.
  function openAudio() {
    if (audio) return audio.resume();
    audio = new AudioContext();
    const lowpass = new BiquadFilterNode(audio, { type: "lowpass", frequency: 5200 });
    const compressor = new DynamicsCompressorNode(audio, { threshold: -20, ratio: 5, attack: 0.004 });
    mixBus = new GainNode(audio, { gain: 0.55 });
    mixBus.connect(lowpass).connect(compressor).connect(new GainNode(audio, { gain: 2.4 })).connect(audio.destination);
    return audio.resume();
  }

  // Schedules one note at `at`, in seconds of the audio clock. Two sines: the second modulates the frequency of the first, strongly
  // at the attack and weakly later. A third one, at seven times the frequency, adds a short metallic attack.
  function playNote(out, at, seconds, pitch, velocity, pan) {
    const hertz = 440 * 2 ** ((pitch - 69) / 12), loudness = (velocity / 127) ** 1.6;
    const ringS = Math.min(MAX_RING_S, 0.5 + 90 / pitch), end = at + Math.max(seconds, 0.09);
    const envelope = new GainNode(audio, { gain: 0 }), panner = new StereoPannerNode(audio, { pan });
    envelope.gain.setValueAtTime(0, at);
    envelope.gain.linearRampToValueAtTime(0.34 * loudness, at + 0.006);
    envelope.gain.setTargetAtTime(0.05 * loudness, at + 0.006, ringS / 2);
    envelope.gain.setTargetAtTime(0, end, 0.06);
    const addSine = (ratio, gain, decayS, target) => {
      const sine = new OscillatorNode(audio, { frequency: hertz * ratio }), level = new GainNode(audio, { gain: 0 });
      level.gain.setValueAtTime(gain, at);
      level.gain.setTargetAtTime(gain * 0.12, at, decayS);
      sine.connect(level).connect(target);
      sine.start(at);
      sine.stop(end + 0.5);
    };
    const carrier = new OscillatorNode(audio, { frequency: hertz });
    addSine(1, hertz * 1.1 * loudness, ringS / 3, carrier.frequency);
    addSine(7, 0.10 * loudness, 0.05, envelope);
    carrier.connect(envelope).connect(panner).connect(out);
    carrier.start(at);
    carrier.stop(end + 0.5);
    carrier.onended = () => panner.disconnect();
  }

  function stop() {
    if (!playing) return;
    const { out, timer, frame, button, playhead, shapes } = playing;
    playing = null;
    clearInterval(timer);
    cancelAnimationFrame(frame);
    out.gain.setTargetAtTime(0, audio.currentTime, 0.03);
    setTimeout(() => out.disconnect(), 400);
    playhead.hidden = true;
    shapes.forEach((shape) => shape.classList.remove("sounds"));
    showState(button, false);
  }

  // Shows on the button whether its roll is playing.
  function showState(button, on) {
    button.classList.toggle("playing", on);
    button.setAttribute("aria-label", `${on ? "Stop" : "Play"} ${button.dataset.what}`);
    button.lastElementChild.textContent = on ? "Stop" : "Play";
  }

  async function play(button, figure, fromBeats = 0) {
    stop();
    await openAudio();
    stop(); // two clicks may have waited for `openAudio`
    const notes = JSON.parse(figure.dataset.notes), secondsPerBeat = 60 / figure.dataset.bpm, beats = +figure.dataset.beats;
    const shapes = [...figure.querySelectorAll(".note")], playhead = figure.querySelector(".head"), scroll = figure.querySelector(".scroll");
    const out = new GainNode(audio), startedS = audio.currentTime + 0.08 - fromBeats * secondsPerBeat; // when beat 0 sounds
    out.connect(mixBus);
    const order = notes.map((_, index) => index).sort((a, b) => notes[a][0] - notes[b][0]).filter((index) => notes[index][0] >= fromBeats - 1e-6);
    let next = 0;
    const thisRoll = (playing = { out, button, playhead, shapes });
    const schedule = () => {
      while (next < order.length && startedS + notes[order[next]][0] * secondsPerBeat < audio.currentTime + AHEAD_S) {
        const [onset, length, pitch, velocity, pan] = notes[order[next++]];
        playNote(out, Math.max(startedS + onset * secondsPerBeat, audio.currentTime), length * secondsPerBeat, pitch, velocity, pan);
      }
      if (audio.currentTime > startedS + beats * secondsPerBeat + 0.4 && playing === thisRoll) stop();
    };
    const movePlayhead = () => {
      const now = Math.max((audio.currentTime - startedS) / secondsPerBeat, fromBeats), at = Math.min(now / beats, 1);
      playhead.style.left = `${100 * at}%`;
      shapes.forEach((shape, index) => shape.classList.toggle("sounds", notes[index][0] <= now && now < notes[index][0] + notes[index][1]));
      const hiddenPx = scroll.scrollWidth - scroll.clientWidth;
      if (hiddenPx > 0) scroll.scrollLeft = Math.min(Math.max(at * scroll.scrollWidth - scroll.clientWidth / 2, 0), hiddenPx);
      thisRoll.frame = requestAnimationFrame(movePlayhead);
    };
    playhead.hidden = false;
    showState(button, true);
    thisRoll.timer = setInterval(schedule, 50);
    schedule();
    movePlayhead();
  }

  document.querySelectorAll("[data-roll]").forEach((figure) => {
    const button = figure.closest(".card").querySelector("button.play"), field = figure.querySelector(".field");
    button.hidden = false;
    button.addEventListener("click", () => (playing && playing.button === button ? stop() : play(button, figure)));
    field.addEventListener("click", (event) => {
      const box = field.getBoundingClientRect();
      play(button, figure, ((event.clientX - box.left) / box.width) * figure.dataset.beats);
    });
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && stop());
})();
