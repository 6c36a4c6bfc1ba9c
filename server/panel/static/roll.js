// The piano roll on a canvas: the past to the left of the line of now, the plan to its right, bars behind, and whose
// turn it is. It draws what it is given, sixty times a second, and keeps nothing but where it looks.

import { isBlack, nameOf } from "./notes.js";
import { turnAt } from "./timeline.js";

const PAST_S = 7;
const FUTURE_S = 4.5;
const NARROW = { width: 600, share: 0.62 };
const FEWEST_ROWS = 25;
const MARGIN_ROWS = 3;
const EASE = 0.1;
// Where motion is to be reduced, the roll stands still for so long, and the line of now moves instead.
const PAGE_S = 4;
const MOST_LINES = 80;
const MOST_TURNS = 16;
const DENSEST = 2;
// So many hues from what the network says alone to what memory says alone.
const HUES = 16;
// The stripe of a note that came from memory, of its height, and in pixels at least.
const STRIPE = { share: 0.24, px: 2 };

export class Roll {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.view = { low: 53, high: 53 + FEWEST_ROWS };
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    const style = getComputedStyle(document.documentElement);
    this.colors = Object.fromEntries(
      ["player", "partner", "memory", "line", "faint", "text", "muted", "ground"].map((name) => [
        name,
        style.getPropertyValue(`--${name}`).trim(),
      ]),
    );
    this.hues = Array.from({ length: HUES + 1 }, (_, i) => mixed(this.colors.partner, this.colors.memory, i / HUES));
    new ResizeObserver(() => this.#size()).observe(canvas);
    this.#size();
  }

  // `scene` is the notes, the plan with its seconds, the timeline, and the turn that was told of.
  draw(nowS, scene) {
    const { context, width, height } = this;
    if (!width || !height) return;
    const share = width < NARROW.width ? NARROW.share : 1;
    const [pastS, futureS] = [PAST_S * share, FUTURE_S * share];
    const fromS = this.still.matches ? Math.floor(nowS / PAGE_S) * PAGE_S - pastS / 2 : nowS - pastS;
    const toX = (atS) => ((atS - fromS) / (pastS + futureS)) * width;
    const untilS = fromS + pastS + futureS;
    const notes = scene.notes.filter((note) => (note.endS ?? nowS) > fromS);
    this.#look(notes, scene.plan);
    const { low, high } = this.view;
    const row = height / (high - low);
    const toY = (pitch) => height - (pitch + 1 - low) * row;

    context.clearRect(0, 0, width, height);
    this.#rows(toY, row);
    if (scene.timeline) this.#time(scene, fromS, untilS, toX);
    for (const note of scene.plan) this.#planned(note, toX, toY, row);
    for (const note of notes) this.#note(note, nowS, toX, toY, row);
    this.#now(toX(nowS));
    this.#names(toY, row);
  }

  #size() {
    const density = Math.min(devicePixelRatio || 1, DENSEST);
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.round(this.width * density);
    this.canvas.height = Math.round(this.height * density);
    this.context.setTransform(density, 0, 0, density, 0, 0);
  }

  // All that is shown fits in, with a little air; the view moves there gently.
  #look(notes, plan) {
    let [low, high] = [127, 0];
    for (const list of [notes, plan]) {
      for (const { pitch } of list) {
        low = Math.min(low, pitch);
        high = Math.max(high, pitch);
      }
    }
    if (low > high) return;
    low -= MARGIN_ROWS;
    high += MARGIN_ROWS + 1;
    const missing = Math.max(FEWEST_ROWS - (high - low), 0);
    // Where there is room it stays where it looks: only what would fall out moves it.
    if (missing && low >= this.view.low - 0.5 && high <= this.view.high + 0.5) {
      const span = this.view.high - this.view.low;
      if (span <= FEWEST_ROWS + 1) return;
    }
    low -= missing / 2;
    high += missing / 2;
    const ease = this.still.matches ? 1 : EASE;
    this.view.low += (low - this.view.low) * ease;
    this.view.high += (high - this.view.high) * ease;
  }

  #rows(toY, row) {
    const { context, width, view, colors } = this;
    context.fillStyle = colors.faint;
    for (let pitch = Math.floor(view.low); pitch < view.high; pitch++) {
      if (isBlack((pitch + 120) % 12)) context.fillRect(0, toY(pitch), width, row);
    }
    context.fillStyle = colors.line;
    for (let pitch = Math.ceil(view.low / 12) * 12; pitch < view.high; pitch += 12) {
      context.fillRect(0, toY(pitch) + row, width, 1);
    }
  }

  #time(scene, fromS, untilS, toX) {
    const { context, height, colors } = this;
    const { timeline, turn } = scene;
    if (turn) this.#turns(scene, fromS, untilS, toX);
    if (!timeline.hasBars && !turn) return;
    const firstBeat = timeline.beatAt(fromS);
    const lastBeat = timeline.beatAt(untilS);
    const unit = 4 / timeline.meter[1];
    const bars = timeline.beatsPerBar;
    if ((lastBeat - firstBeat) / bars > MOST_LINES) return;
    const showBeats = (lastBeat - firstBeat) / unit <= MOST_LINES;
    context.font = "11px system-ui, sans-serif";
    for (let bar = timeline.barAt(firstBeat).bar; timeline.barLine(bar) <= lastBeat; bar++) {
      const lineX = toX(timeline.secondsAt(timeline.barLine(bar)));
      context.fillStyle = colors.line;
      context.globalAlpha = 1;
      context.fillRect(lineX, 0, 1.5, height);
      context.fillStyle = colors.muted;
      if (bar >= 0) context.fillText(String(bar + 1), lineX + 5, height - 7);
      if (!showBeats) continue;
      context.fillStyle = colors.line;
      context.globalAlpha = 0.45;
      for (let beat = unit; beat < bars; beat += unit) {
        context.fillRect(toX(timeline.secondsAt(timeline.barLine(bar) + beat)), 0, 1, height);
      }
      context.globalAlpha = 1;
    }
  }

  // Each turn in its player's colour.
  #turns({ timeline, turn: told, turnBars, begins }, fromS, untilS, toX) {
    const { context, height, colors } = this;
    const lastBeat = timeline.beatAt(untilS);
    let beat = timeline.beatAt(fromS);
    for (let i = 0; i < MOST_TURNS && beat < lastBeat; i++) {
      const turn = turnAt(beat, told, turnBars, begins, timeline);
      const fromX = toX(timeline.secondsAt(turn.start));
      const untilX = toX(timeline.secondsAt(turn.end));
      if (turn.side) {
        context.fillStyle = colors[turn.side];
        context.globalAlpha = 0.07;
        context.fillRect(fromX, 0, untilX - fromX, height);
        context.globalAlpha = 0.8;
        context.fillRect(fromX, 0, untilX - fromX, 3);
        context.globalAlpha = 1;
      }
      beat = turn.end;
    }
  }

  #note(note, nowS, toX, toY, row) {
    const { context, colors } = this;
    const sounds = note.endS === null;
    const fromX = toX(note.startS);
    const width = Math.max(toX(note.endS ?? nowS) - fromX, 3);
    const thick = Math.max(row * 0.82, 3);
    const y = toY(note.pitch) + (row - thick) / 2;
    context.fillStyle = note.fromMemory ? this.#hue(note.fromMemory) : colors[note.side];
    if (sounds) {
      context.globalAlpha = 0.22;
      bar(context, fromX - 4, y - 4, width + 8, thick + 8);
    }
    context.globalAlpha = sounds ? 1 : 0.5 + (note.velocity / 127) * 0.42;
    bar(context, fromX, y, width, thick);
    context.globalAlpha = 0.75;
    context.fillStyle = colors.ground;
    this.#stripe(note.fromMemory, fromX, y, width, thick);
    context.globalAlpha = 1;
  }

  #planned({ pitch, dueS, endS, fromMemory = 0 }, toX, toY, row) {
    const { context } = this;
    const fromX = toX(dueS);
    const width = Math.max(toX(endS) - fromX - 1, 4);
    const thick = Math.max(row * 0.82, 4);
    const y = toY(pitch) + (row - thick) / 2;
    context.fillStyle = context.strokeStyle = this.#hue(fromMemory);
    context.globalAlpha = 0.16;
    bar(context, fromX, y, width, thick);
    context.globalAlpha = 0.9;
    context.lineWidth = 1.25;
    outline(context, fromX + 0.6, y + 0.6, width - 1.2, thick - 1.2);
    this.#stripe(fromMemory, fromX, y, width, thick);
    context.globalAlpha = 1;
  }

  #hue(fromMemory) {
    return this.hues[Math.round(Math.min(fromMemory, 1) * HUES)];
  }

  // As long as its share of the note, so that it can be seen without the hue.
  #stripe(fromMemory, x, y, width, thick) {
    const stripe = Math.max(thick * STRIPE.share, STRIPE.px);
    const length = (width - 4) * (fromMemory ?? 0);
    if (length >= 1) this.context.fillRect(x + 2, y + (thick - stripe) / 2, length, stripe);
  }

  #now(x) {
    const { context, height, colors } = this;
    const glow = context.createLinearGradient(x - 14, 0, x + 2, 0);
    glow.addColorStop(0, "transparent");
    glow.addColorStop(1, colors.text);
    context.globalAlpha = 0.1;
    context.fillStyle = glow;
    context.fillRect(x - 14, 0, 15, height);
    context.globalAlpha = 0.85;
    context.fillStyle = colors.text;
    context.fillRect(x, 0, 1.5, height);
    context.globalAlpha = 1;
  }

  #names(toY, row) {
    const { context, view, colors } = this;
    context.font = "11px system-ui, sans-serif";
    for (let pitch = Math.ceil(view.low / 12) * 12; pitch < view.high; pitch += 12) {
      if (pitch < 0) continue;
      context.fillStyle = colors.ground;
      context.globalAlpha = 0.6;
      context.fillRect(0, toY(pitch) + row / 2 - 8, 26, 16);
      context.globalAlpha = 1;
      context.fillStyle = colors.muted;
      context.fillText(nameOf(pitch), 6, toY(pitch) + row / 2 + 4);
    }
  }
}

// Between two colours, each #rrggbb.
function mixed(from, to, share) {
  const part = (color, i) => parseInt(color.slice(1 + 2 * i, 3 + 2 * i), 16);
  const parts = [0, 1, 2].map((i) => Math.round(part(from, i) + (part(to, i) - part(from, i)) * share));
  return `rgb(${parts.join(" ")})`;
}

function bar(context, x, y, width, height) {
  context.beginPath();
  context.roundRect(x, y, width, height, Math.min(3, height / 2, width / 2));
  context.fill();
}

function outline(context, x, y, width, height) {
  if (width <= 0 || height <= 0) return;
  context.beginPath();
  context.roundRect(x, y, width, height, Math.min(3, height / 2, width / 2));
  context.stroke();
}
