// The piano on the screen, for mouse, fingers and Tab: struck further down, it sounds louder; a finger may slide over it.

import { isBlack, nameOf } from "./notes.js";
import { STEPS, letterOf } from "./keys.js";

const WHITE_WIDTH = 40;
const FEWEST_WHITES = 8;
const MOST_WHITES = 36;
// With so many there is room for an octave below the one that the computer keys have.
const BOTH_SIDES = 17;
const SOFTEST = 35;
const LOUDEST = 120;

export class Piano {
  constructor(element, hands, { pitchOfA, velocity }) {
    this.element = element;
    this.hands = hands;
    this.pitchOfA = pitchOfA;
    this.velocity = velocity;
    this.keys = new Map();
    this.fingers = new Map();
    this.lit = new Map();
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      element.addEventListener(type, (event) => this.#up(event));
    }
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("keydown", (event) => this.#keydown(event));
    element.addEventListener("keyup", (event) => this.#keyup(event));
    element.addEventListener("focusout", () => this.#letGo("focus"));
    new ResizeObserver(() => this.draw()).observe(element);
  }

  // As many octaves as there is room for, around that of the computer keys.
  draw() {
    const fit = Math.floor(this.element.clientWidth / WHITE_WIDTH);
    const whites = Math.min(Math.max(fit, FEWEST_WHITES), MOST_WHITES);
    const octavesBelow = whites >= BOTH_SIDES ? 1 : 0;
    const lowest = Math.max(this.pitchOfA() - 12 * octavesBelow, 0);
    const shape = `${whites} ${lowest}`;
    if (shape === this.shape) return;
    this.shape = shape;
    const had = document.activeElement?.dataset?.pitch;
    this.keys.clear();
    this.element.replaceChildren();
    this.element.style.setProperty("--whites", whites);
    for (let pitch = lowest, white = 0; white < whites && pitch <= 127; pitch++) {
      if (isBlack(pitch) && white === whites) break;
      const key = this.#key(pitch, white);
      if (!isBlack(pitch)) white++;
      this.keys.set(pitch, key);
      this.element.append(key);
    }
    this.#label();
    (this.keys.get(Number(had)) ?? this.keys.get(this.pitchOfA()) ?? this.element.firstChild).tabIndex = 0;
    this.show(this.sounding ?? { player: new Set(), partner: new Set() });
  }

  // What sounds now, by side.
  show(sounding) {
    this.sounding = sounding;
    for (const [pitch, key] of this.keys) {
      key.classList.toggle("is-player", sounding.player.has(pitch));
      key.classList.toggle("is-partner", sounding.partner.has(pitch));
    }
  }

  #key(pitch, white) {
    const key = document.createElement("button");
    key.type = "button";
    key.className = isBlack(pitch) ? "key black" : "key white";
    key.dataset.pitch = pitch;
    key.style.setProperty("--at", white);
    key.tabIndex = -1;
    key.setAttribute("aria-label", nameOf(pitch));
    return key;
  }

  // Which computer key plays it, and what the Cs are called.
  #label() {
    const steps = new Map(Object.entries(STEPS).map(([code, step]) => [step, letterOf(code)]));
    for (const [pitch, key] of this.keys) {
      const letter = steps.get(pitch - this.pitchOfA());
      const name = pitch % 12 === 0 ? nameOf(pitch) : "";
      key.innerHTML = `<span class="letter">${letter ?? ""}</span><span class="name">${name}</span>`;
    }
  }

  #at(event) {
    const key = document.elementFromPoint(event.clientX, event.clientY)?.closest(".key");
    return key && this.element.contains(key) ? key : null;
  }

  #down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    this.#slide(event);
  }

  #move(event) {
    if (this.fingers.has(event.pointerId)) this.#slide(event);
  }

  #slide(event) {
    const key = this.#at(event);
    const pitch = key ? Number(key.dataset.pitch) : null;
    const before = this.fingers.get(event.pointerId);
    if (before === pitch) return;
    if (before != null) this.hands.release(event.pointerId, before);
    this.fingers.set(event.pointerId, pitch);
    if (pitch === null) return;
    const box = key.getBoundingClientRect();
    const depth = Math.min(Math.max((event.clientY - box.top) / box.height, 0), 1);
    this.hands.press(event.pointerId, pitch, SOFTEST + (LOUDEST - SOFTEST) * depth);
  }

  #up(event) {
    const pitch = this.fingers.get(event.pointerId);
    this.fingers.delete(event.pointerId);
    if (pitch != null) this.hands.release(event.pointerId, pitch);
  }

  #keydown(event) {
    const pitch = Number(event.target.dataset.pitch);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: 12, ArrowDown: -12 }[event.key];
    if (step && this.keys.has(pitch + step)) {
      event.preventDefault();
      event.target.tabIndex = -1;
      const key = this.keys.get(pitch + step);
      key.tabIndex = 0;
      key.focus();
    } else if ((event.key === "Enter" || event.key === " ") && !event.repeat) {
      event.preventDefault();
      this.focusPitch = pitch;
      this.hands.press("focus", pitch, this.velocity());
    }
  }

  #keyup(event) {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#letGo("focus");
    }
  }

  #letGo(who) {
    if (this.focusPitch === undefined) return;
    this.hands.release(who, this.focusPitch);
    this.focusPitch = undefined;
  }
}
