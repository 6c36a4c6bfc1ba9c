// Plays the rolls of this page: a soft electric piano, and a head that moves over the notes. One roll sounds at a time.
"use strict";
(() => {
  const AHEAD_S = 0.4; // notes are handed to the sound this early, so that a busy page drops none
  const LONGEST_RING_S = 3;
  let audio, bus, playing = null;

  function open() {
    if (audio) return audio.resume();
    audio = new AudioContext();
    const soft = new BiquadFilterNode(audio, { type: "lowpass", frequency: 5200 });
    const even = new DynamicsCompressorNode(audio, { threshold: -20, ratio: 5, attack: 0.004 });
    bus = new GainNode(audio, { gain: 0.55 });
    bus.connect(soft).connect(even).connect(new GainNode(audio, { gain: 2.4 })).connect(audio.destination);
    return audio.resume();
  }

  // Two sines, of which the second bends the first: much at the stroke, little as it rings. And a tine, far above, that dies at once.
  function strike(out, at, seconds, pitch, velocity, pan) {
    const hertz = 440 * 2 ** ((pitch - 69) / 12), loud = (velocity / 127) ** 1.6;
    const ring = Math.min(LONGEST_RING_S, 0.5 + 90 / pitch), end = at + Math.max(seconds, 0.09);
    const envelope = new GainNode(audio, { gain: 0 }), side = new StereoPannerNode(audio, { pan });
    envelope.gain.setValueAtTime(0, at);
    envelope.gain.linearRampToValueAtTime(0.34 * loud, at + 0.006);
    envelope.gain.setTargetAtTime(0.05 * loud, at + 0.006, ring / 2);
    envelope.gain.setTargetAtTime(0, end, 0.06);
    const voice = (ratio, gain, fall, into) => {
      const sine = new OscillatorNode(audio, { frequency: hertz * ratio }), level = new GainNode(audio, { gain: 0 });
      level.gain.setValueAtTime(gain, at);
      level.gain.setTargetAtTime(gain * 0.12, at, fall);
      sine.connect(level).connect(into);
      sine.start(at);
      sine.stop(end + 0.5);
      return sine;
    };
    const body = new OscillatorNode(audio, { frequency: hertz });
    voice(1, hertz * 1.1 * loud, ring / 3, body.frequency);
    voice(7, 0.10 * loud, 0.05, envelope);
    body.connect(envelope).connect(side).connect(out);
    body.start(at);
    body.stop(end + 0.5);
    body.onended = () => side.disconnect();
  }

  function stop() {
    if (!playing) return;
    const { out, timer, frame, button, head, shapes } = playing;
    playing = null;
    clearInterval(timer);
    cancelAnimationFrame(frame);
    out.gain.setTargetAtTime(0, audio.currentTime, 0.03);
    setTimeout(() => out.disconnect(), 400);
    head.hidden = true;
    shapes.forEach((shape) => shape.classList.remove("sounds"));
    label(button, false);
  }

  function label(button, on) {
    button.classList.toggle("playing", on);
    button.setAttribute("aria-label", `${on ? "Stop" : "Play"} ${button.dataset.what}`);
    button.lastElementChild.textContent = on ? "Stop" : "Play";
  }

  async function play(button, figure, fromBeats = 0) {
    stop();
    await open();
    stop(); // two clicks may have waited for the same sound
    const notes = JSON.parse(figure.dataset.notes), second = 60 / figure.dataset.bpm, beats = +figure.dataset.beats;
    const shapes = [...figure.querySelectorAll(".note")], head = figure.querySelector(".head"), scroll = figure.querySelector(".scroll");
    const out = new GainNode(audio), began = audio.currentTime + 0.08 - fromBeats * second;
    out.connect(bus);
    const order = notes.map((_, index) => index).sort((a, b) => notes[a][0] - notes[b][0]).filter((index) => notes[index][0] >= fromBeats - 1e-6);
    let next = 0;
    const mine = (playing = { out, button, head, shapes });
    const feed = () => {
      while (next < order.length && began + notes[order[next]][0] * second < audio.currentTime + AHEAD_S) {
        const [onset, length, pitch, velocity, pan] = notes[order[next++]];
        strike(out, Math.max(began + onset * second, audio.currentTime), length * second, pitch, velocity, pan);
      }
      if (audio.currentTime > began + beats * second + 0.4 && playing === mine) stop();
    };
    const move = () => {
      const now = Math.max((audio.currentTime - began) / second, fromBeats), at = Math.min(now / beats, 1);
      head.style.left = `${100 * at}%`;
      shapes.forEach((shape, index) => shape.classList.toggle("sounds", notes[index][0] <= now && now < notes[index][0] + notes[index][1]));
      const room = scroll.scrollWidth - scroll.clientWidth;
      if (room > 0) scroll.scrollLeft = Math.min(Math.max(at * scroll.scrollWidth - scroll.clientWidth / 2, 0), room);
      mine.frame = requestAnimationFrame(move);
    };
    head.hidden = false;
    label(button, true);
    mine.timer = setInterval(feed, 50);
    feed();
    move();
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
