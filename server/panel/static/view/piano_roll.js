// The piano roll on a canvas: the past to the left of the line of now, the plan to its right, bars behind them, and
// whose turn it is. It draws the scene that it is given, sixty times a second, and keeps only the range of pitches in
// view.

import { isBlackKey, noteName } from "../music/pitches.js";
import { turnAt } from "../music/timeline.js";

const PAST_S = 7;
const FUTURE_S = 4.5;
// On a narrow canvas only this share of the seconds is shown.
const NARROW = { width: 600, share: 0.62 };
const FEWEST_ROWS = 25;
const MARGIN_ROWS = 3;
const SCROLL_EASE = 0.1;
// Where the user prefers less motion, the roll stays still for this long, and the line of now moves instead.
const PAGE_S = 4;
const MOST_LINES = 80;
const MOST_TURNS = 16;
const HIGHEST_PIXEL_RATIO = 2;
// The number of steps of hue from "all from the network" to "all from memory".
const HUES = 16;
// The stripe of a note that came from memory: its share of the note's height, and its least height in pixels.
const STRIPE = { share: 0.24, px: 2 };
const CHORD_FONT = "600 13px system-ui, sans-serif";
const CHORD_GAP = 5;
const MOST_CHORDS = 64;
// In pixels: the two lines at the bottom, and the field of a pitch's name on the left.
const CHORD_ROOM = 36;
const PITCH_NAME_HEIGHT = 16;
const FONT = "11px system-ui, sans-serif";

export class PianoRoll {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.range = { low: 53, high: 53 + FEWEST_ROWS }; // pitches in view, while it scrolls also fractions of them
    this.reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
    const style = getComputedStyle(document.documentElement);
    this.colors = Object.fromEntries(
      ["player", "partner", "memory", "line", "stripe", "text", "muted", "background"].map((name) => [
        name,
        style.getPropertyValue(`--${name}`).trim(),
      ]),
    );
    this.hues = Array.from({ length: HUES + 1 }, (_, i) => mixColors(this.colors.partner, this.colors.memory, i / HUES));
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  // `scene` holds `notes` that were played, `plan` (planned notes with their seconds), `timeline`, `turn` (the last one
  // that the jam sent), `turnBars` and `firstSide`.
  draw(nowS, scene) {
    const { context, width, height } = this;
    if (!width || !height) return;
    const share = width < NARROW.width ? NARROW.share : 1;
    const [pastS, futureS] = [PAST_S * share, FUTURE_S * share];
    const fromS = this.reducedMotion.matches ? Math.floor(nowS / PAGE_S) * PAGE_S - pastS / 2 : nowS - pastS;
    const toX = (atS) => ((atS - fromS) / (pastS + futureS)) * width;
    const untilS = fromS + pastS + futureS;
    const notes = scene.notes.filter((note) => (note.endS ?? nowS) > fromS);
    this.#scrollTo(notes, scene.plan);
    const { low, high } = this.range;
    const rowHeight = height / (high - low);
    const toY = (pitch) => height - (pitch + 1 - low) * rowHeight;

    context.clearRect(0, 0, width, height);
    this.#drawRows(toY, rowHeight);
    if (scene.timeline) this.#drawBars(scene, fromS, untilS, toX);
    if (scene.timeline && scene.chords) this.#drawChords(scene, fromS, untilS, toX);
    for (const note of scene.plan) this.#drawPlannedNote(note, toX, toY, rowHeight);
    for (const note of notes) this.#drawNote(note, nowS, toX, toY, rowHeight);
    this.#drawNow(toX(nowS));
    this.#drawPitchNames(toY, rowHeight, scene.chords ? height - CHORD_ROOM : height);
  }

  #resize() {
    const ratio = Math.min(devicePixelRatio || 1, HIGHEST_PIXEL_RATIO);
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  // Scrolls gently to a range that shows all notes with a margin.
  #scrollTo(notes, plan) {
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
    const missingRows = Math.max(FEWEST_ROWS - (high - low), 0);
    // While all notes fit into the range of now, it stays where it is.
    if (missingRows && low >= this.range.low - 0.5 && high <= this.range.high + 0.5) {
      const rows = this.range.high - this.range.low;
      if (rows <= FEWEST_ROWS + 1) return;
    }
    low -= missingRows / 2;
    high += missingRows / 2;
    const ease = this.reducedMotion.matches ? 1 : SCROLL_EASE;
    this.range.low += (low - this.range.low) * ease;
    this.range.high += (high - this.range.high) * ease;
  }

  // A stripe for each black key, and a line below each C.
  #drawRows(toY, rowHeight) {
    const { context, width, range, colors } = this;
    context.fillStyle = colors.stripe;
    for (let pitch = Math.floor(range.low); pitch < range.high; pitch++) {
      // The range may reach below 0, where a remainder would be negative.
      if (isBlackKey((pitch + 120) % 12)) context.fillRect(0, toY(pitch), width, rowHeight);
    }
    context.fillStyle = colors.line;
    for (let pitch = Math.ceil(range.low / 12) * 12; pitch < range.high; pitch += 12) {
      context.fillRect(0, toY(pitch) + rowHeight, width, 1);
    }
  }

  #drawBars(scene, fromS, untilS, toX) {
    const { context, height, colors } = this;
    const { timeline, turn } = scene;
    if (turn) this.#drawTurns(scene, fromS, untilS, toX);
    if (!timeline.hasBars && !turn) return;
    const firstBeat = timeline.beatAt(fromS);
    const lastBeat = timeline.beatAt(untilS);
    const unitBeats = 4 / timeline.meter[1];
    const { beatsPerBar } = timeline;
    if ((lastBeat - firstBeat) / beatsPerBar > MOST_LINES) return;
    const showsBeats = (lastBeat - firstBeat) / unitBeats <= MOST_LINES;
    context.font = FONT;
    for (let bar = timeline.barAt(firstBeat).bar; timeline.barLine(bar) <= lastBeat; bar++) {
      const lineX = toX(timeline.secondsAt(timeline.barLine(bar)));
      context.fillStyle = colors.line;
      context.globalAlpha = 1;
      context.fillRect(lineX, 0, 1.5, height);
      context.fillStyle = colors.muted;
      if (bar >= 0) context.fillText(String(bar + 1), lineX + 5, height - 7);
      if (!showsBeats) continue;
      context.fillStyle = colors.line;
      context.globalAlpha = 0.45;
      for (let beat = unitBeats; beat < beatsPerBar; beat += unitBeats) {
        context.fillRect(toX(timeline.secondsAt(timeline.barLine(bar) + beat)), 0, 1, height);
      }
      context.globalAlpha = 1;
    }
  }

  // The symbol of each chord stands at the bottom, above the numbers of the bars, where the chord begins. The next one pushes it out on the left, and
  // narrows it where they are close.
  #drawChords({ timeline, chords }, fromS, untilS, toX) {
    const { context, height, colors } = this;
    const lastBeat = timeline.beatAt(untilS);
    let beat = timeline.beatAt(fromS);
    context.font = CHORD_FONT;
    for (let i = 0; i < MOST_CHORDS && beat < lastBeat; i++) {
      const chord = chords.at(beat);
      const x = toX(timeline.secondsAt(chord.startBeat));
      const roomUntilX = toX(timeline.secondsAt(chord.endBeat)) - CHORD_GAP;
      const leftX = Math.min(Math.max(x, 0) + CHORD_GAP, Math.max(x + CHORD_GAP, roomUntilX - context.measureText(chord.symbol).width));
      context.globalAlpha = 0.9;
      context.fillStyle = colors.text;
      context.fillText(chord.symbol, leftX, height - 24, Math.max(roomUntilX - leftX, 1));
      context.globalAlpha = 1;
      beat = chord.endBeat;
    }
  }

  // Each turn is tinted in the colour of the side that plays it.
  #drawTurns({ timeline, turn: knownTurn, turnBars, firstSide }, fromS, untilS, toX) {
    const { context, height, colors } = this;
    const lastBeat = timeline.beatAt(untilS);
    let beat = timeline.beatAt(fromS);
    for (let i = 0; i < MOST_TURNS && beat < lastBeat; i++) {
      const turn = turnAt(beat, knownTurn, turnBars, firstSide, timeline);
      const fromX = toX(timeline.secondsAt(turn.startBeat));
      const untilX = toX(timeline.secondsAt(turn.endBeat));
      if (turn.side) {
        context.fillStyle = colors[turn.side];
        context.globalAlpha = 0.07;
        context.fillRect(fromX, 0, untilX - fromX, height);
        context.globalAlpha = 0.8;
        context.fillRect(fromX, 0, untilX - fromX, 3);
        context.globalAlpha = 1;
      }
      beat = turn.endBeat;
    }
  }

  #drawNote(note, nowS, toX, toY, rowHeight) {
    const { context, colors } = this;
    const isSounding = note.endS === null;
    const x = toX(note.startS);
    const width = Math.max(toX(note.endS ?? nowS) - x, 3);
    const height = Math.max(rowHeight * 0.82, 3);
    const y = toY(note.pitch) + (rowHeight - height) / 2;
    context.fillStyle = note.fromMemory ? this.#hue(note.fromMemory) : colors[note.side];
    if (isSounding) {
      context.globalAlpha = 0.22;
      fillBox(context, x - 4, y - 4, width + 8, height + 8);
    }
    context.globalAlpha = isSounding ? 1 : 0.5 + (note.velocity / 127) * 0.42;
    fillBox(context, x, y, width, height);
    context.globalAlpha = 0.75;
    context.fillStyle = colors.background;
    this.#drawMemoryStripe(note.fromMemory, x, y, width, height);
    context.globalAlpha = 1;
  }

  #drawPlannedNote({ pitch, onsetS, endS, fromMemory = 0 }, toX, toY, rowHeight) {
    const { context } = this;
    const x = toX(onsetS);
    const width = Math.max(toX(endS) - x - 1, 4);
    const height = Math.max(rowHeight * 0.82, 4);
    const y = toY(pitch) + (rowHeight - height) / 2;
    context.fillStyle = context.strokeStyle = this.#hue(fromMemory);
    context.globalAlpha = 0.16;
    fillBox(context, x, y, width, height);
    context.globalAlpha = 0.9;
    context.lineWidth = 1.25;
    strokeBox(context, x + 0.6, y + 0.6, width - 1.2, height - 1.2);
    this.#drawMemoryStripe(fromMemory, x, y, width, height);
    context.globalAlpha = 1;
  }

  #hue(fromMemory) {
    return this.hues[Math.round(Math.min(fromMemory, 1) * HUES)];
  }

  // The stripe is as long as the share of the note that came from memory, so that it can be read without seeing the hue.
  #drawMemoryStripe(fromMemory, x, y, width, height) {
    const stripeHeight = Math.max(height * STRIPE.share, STRIPE.px);
    const length = (width - 4) * (fromMemory ?? 0);
    if (length >= 1) this.context.fillRect(x + 2, y + (height - stripeHeight) / 2, length, stripeHeight);
  }

  #drawNow(x) {
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

  // Those above `untilY`: below it are the symbols of the chords.
  #drawPitchNames(toY, rowHeight, untilY) {
    const { context, range, colors } = this;
    context.font = FONT;
    for (let pitch = Math.ceil(range.low / 12) * 12; pitch < range.high; pitch += 12) {
      const middleY = toY(pitch) + rowHeight / 2;
      if (pitch < 0 || middleY + PITCH_NAME_HEIGHT / 2 > untilY) continue;
      context.fillStyle = colors.background;
      context.globalAlpha = 0.6;
      context.fillRect(0, middleY - PITCH_NAME_HEIGHT / 2, 26, PITCH_NAME_HEIGHT);
      context.globalAlpha = 1;
      context.fillStyle = colors.muted;
      context.fillText(noteName(pitch), 6, middleY + 4);
    }
  }
}

// A colour between two others, each #rrggbb.
function mixColors(from, to, share) {
  const channel = (color, i) => parseInt(color.slice(1 + 2 * i, 3 + 2 * i), 16);
  const mixed = [0, 1, 2].map((i) => Math.round(channel(from, i) + (channel(to, i) - channel(from, i)) * share));
  return `rgb(${mixed.join(" ")})`;
}

function roundedBox(context, x, y, width, height) {
  context.beginPath();
  context.roundRect(x, y, width, height, Math.min(3, height / 2, width / 2));
}

function fillBox(context, x, y, width, height) {
  roundedBox(context, x, y, width, height);
  context.fill();
}

function strokeBox(context, x, y, width, height) {
  if (width <= 0 || height <= 0) return;
  roundedBox(context, x, y, width, height);
  context.stroke();
}
