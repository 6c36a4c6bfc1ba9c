// The piano on the screen, for the mouse, fingers, and the Tab and arrow keys. A key that is touched further down sounds
// louder; a finger may slide over the keys.

import { isBlackKey, noteName } from "../music/pitches.js";
import { SEMITONES, keyLabel } from "./computer_keys.js";

const WHITE_WIDTH_PX = 40;
const FEWEST_WHITES = 8;
const MOST_WHITES = 36;
// With this many white keys there is room for one octave below that of the computer keys.
const WHITES_FOR_OCTAVE_BELOW = 17;
const SOFTEST = 35;
const LOUDEST = 120;
const FOCUS = "focus"; // the source of keys that are pressed by Enter or Space

export class ScreenPiano {
  // `basePitch` returns the pitch that the computer key A plays, `velocity` how hard Enter and Space play.
  constructor(container, input, { basePitch, velocity }) {
    this.container = container;
    this.input = input;
    this.basePitch = basePitch;
    this.velocity = velocity;
    this.keys = new Map(); // pitch: its button
    this.pitchByPointer = new Map(); // what each finger presses; null beside the keys
    container.addEventListener("pointerdown", (event) => this.#onPointerDown(event));
    container.addEventListener("pointermove", (event) => this.#onPointerMove(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      container.addEventListener(type, (event) => this.#onPointerUp(event));
    }
    container.addEventListener("contextmenu", (event) => event.preventDefault());
    container.addEventListener("keydown", (event) => this.#onKeyDown(event));
    container.addEventListener("keyup", (event) => this.#onKeyUp(event));
    container.addEventListener("focusout", () => this.#releaseFocusKey());
    new ResizeObserver(() => this.draw()).observe(container);
  }

  // Shows as many octaves as there is room for, around that of the computer keys.
  draw() {
    const fitting = Math.floor(this.container.clientWidth / WHITE_WIDTH_PX);
    const whiteCount = Math.min(Math.max(fitting, FEWEST_WHITES), MOST_WHITES);
    const octavesBelow = whiteCount >= WHITES_FOR_OCTAVE_BELOW ? 1 : 0;
    const lowest = Math.max(this.basePitch() - 12 * octavesBelow, 0);
    const layout = `${whiteCount} ${lowest}`;
    if (layout === this.layout) return;
    this.layout = layout;
    const focusedPitch = document.activeElement?.dataset?.pitch;
    this.keys.clear();
    this.container.replaceChildren();
    this.container.style.setProperty("--white-count", whiteCount);
    for (let pitch = lowest, whites = 0; whites < whiteCount && pitch <= 127; pitch++) {
      const key = createKey(pitch, whites);
      if (!isBlackKey(pitch)) whites++;
      this.keys.set(pitch, key);
      this.container.append(key);
    }
    this.#labelKeys();
    const tabKey = this.keys.get(Number(focusedPitch)) ?? this.keys.get(this.basePitch()) ?? this.container.firstChild;
    tabKey.tabIndex = 0;
    this.shownChord = undefined;
    this.showChord([...(this.chordClasses ?? [])]);
    this.showSounding(this.sounding ?? { player: new Set(), partner: new Set() });
  }

  // Highlights the pitches that sound now; `sounding` has a set of them for each side.
  showSounding(sounding) {
    this.sounding = sounding;
    for (const [pitch, key] of this.keys) {
      key.classList.toggle("is-player", sounding.player.has(pitch));
      key.classList.toggle("is-partner", sounding.partner.has(pitch));
    }
  }

  // Tints the keys of a chord; `pitchClasses` are its notes, 0 for C. Is called sixty times a second.
  showChord(pitchClasses) {
    const shown = pitchClasses.join();
    if (shown === this.shownChord) return;
    this.shownChord = shown;
    this.chordClasses = new Set(pitchClasses);
    for (const [pitch, key] of this.keys) key.classList.toggle("is-chord", this.chordClasses.has(pitch % 12));
  }

  // Labels each key with the computer key that plays it, and each C with its name.
  #labelKeys() {
    const labels = new Map(Object.entries(SEMITONES).map(([code, semitones]) => [semitones, keyLabel(code)]));
    for (const [pitch, key] of this.keys) {
      const label = labels.get(pitch - this.basePitch());
      const name = pitch % 12 === 0 ? noteName(pitch) : "";
      key.innerHTML = `<span class="computer-key">${label ?? ""}</span><span class="name">${name}</span>`;
    }
  }

  #keyAt(event) {
    const key = document.elementFromPoint(event.clientX, event.clientY)?.closest(".key");
    return key && this.container.contains(key) ? key : null;
  }

  #onPointerDown(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.container.setPointerCapture(event.pointerId);
    this.#movePointer(event);
  }

  #onPointerMove(event) {
    if (this.pitchByPointer.has(event.pointerId)) this.#movePointer(event);
  }

  #movePointer(event) {
    const key = this.#keyAt(event);
    const pitch = key ? Number(key.dataset.pitch) : null;
    const before = this.pitchByPointer.get(event.pointerId);
    if (before === pitch) return;
    if (before != null) this.input.releaseKey(event.pointerId, before);
    this.pitchByPointer.set(event.pointerId, pitch);
    if (pitch === null) return;
    const box = key.getBoundingClientRect();
    const depth = Math.min(Math.max((event.clientY - box.top) / box.height, 0), 1);
    this.input.pressKey(event.pointerId, pitch, SOFTEST + (LOUDEST - SOFTEST) * depth);
  }

  #onPointerUp(event) {
    const pitch = this.pitchByPointer.get(event.pointerId);
    this.pitchByPointer.delete(event.pointerId);
    if (pitch != null) this.input.releaseKey(event.pointerId, pitch);
  }

  #onKeyDown(event) {
    const pitch = Number(event.target.dataset.pitch);
    const semitones = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: 12, ArrowDown: -12 }[event.key];
    if (semitones && this.keys.has(pitch + semitones)) {
      event.preventDefault();
      event.target.tabIndex = -1;
      const key = this.keys.get(pitch + semitones);
      key.tabIndex = 0;
      key.focus();
    } else if ((event.key === "Enter" || event.key === " ") && !event.repeat) {
      event.preventDefault();
      this.focusKeyPitch = pitch;
      this.input.pressKey(FOCUS, pitch, this.velocity());
    }
  }

  #onKeyUp(event) {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#releaseFocusKey();
    }
  }

  #releaseFocusKey() {
    if (this.focusKeyPitch === undefined) return;
    this.input.releaseKey(FOCUS, this.focusKeyPitch);
    this.focusKeyPitch = undefined;
  }
}

// `whitesBefore` is how many white keys lie to its left, from which the style sheet computes its place.
function createKey(pitch, whitesBefore) {
  const key = document.createElement("button");
  key.type = "button";
  key.className = isBlackKey(pitch) ? "key black" : "key white";
  key.dataset.pitch = pitch;
  key.style.setProperty("--whites-before", whitesBefore);
  key.tabIndex = -1;
  key.setAttribute("aria-label", noteName(pitch));
  return key;
}
