// MIDI learn: shows which knob moves which control, and the learn mode, in which the user picks a control and then moves
// the knob for it. All pages show the same; the bindings are the jam's.

import { createElement, labelOf } from "../view/dom.js";

const HINT = "Press Learn at a control, or a button, then move its knob, fader or pedal.";

export class MidiLearn {
  // `modeButton` switches the learn mode, `statusLine` shows what the mode waits for. `send` takes a message to the jam,
  // `showNotice` a sentence.
  constructor(modeButton, statusLine, { send, showNotice }) {
    this.modeButton = modeButton;
    this.statusLine = statusLine;
    this.send = send;
    this.showNotice = showNotice;
    this.bindings = {}; // a control's name: its controller and channel, or null
    this.waiting = null; // the control that waits for its knob
    this.outcome = null; // how the last learning ended, as the jam sent it
    this.isOn = false;
    modeButton.onclick = () => this.#setMode(!this.isOn);
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.isOn || event.defaultPrevented) return;
      if (this.waiting) this.#request(null);
      else this.#setMode(false);
    });
  }

  // Takes what a message of the jam has about it.
  update({ bindings, learning, outcome }) {
    this.bindings = bindings ?? this.bindings;
    if (learning !== undefined) {
      if (learning) this.outcome = null;
      this.waiting = learning;
    }
    if (outcome) {
      this.outcome = outcome;
      if (!this.isOn) this.showNotice(outcome.sentence, outcome.is_error);
    }
    this.show();
  }

  // The connection is lost, and the jam waits for no knob of this page any more.
  stopWaiting() {
    this.waiting = null;
    this.show();
  }

  // Whether a controller moves a control of the jam, so that it is not a part of the music. `channel` counts from 0.
  isBound(cc, channel) {
    return Object.values(this.bindings).some((one) => one?.cc === cc && [null, channel + 1].includes(one.channel));
  }

  // The learn button of a control; null where no knob can move the control.
  createButton(name) {
    if (!(name in this.bindings)) return null;
    const button = createElement("button", "learn-button");
    button.type = "button";
    button.dataset.learn = name;
    button.onclick = () => this.#toggleWaiting(name);
    return button;
  }

  // In learn mode, picks an action or gives it up. Returns whether it did; otherwise the press is meant for the jam.
  pickAction(name) {
    const isPick = this.isOn && name in this.bindings;
    if (isPick) this.#toggleWaiting(name);
    return isPick;
  }

  // Updates all that is on the page now.
  show() {
    this.modeButton.setAttribute("aria-pressed", String(this.isOn));
    document.body.classList.toggle("is-learning", this.isOn);
    for (const button of document.querySelectorAll("[data-learn]")) this.#showButton(button, button.dataset.learn);
    for (const button of document.querySelectorAll("[data-learn-action]")) {
      this.#showAction(button, button.dataset.learnAction);
    }
    const { waiting, outcome } = this;
    const waitingText = waiting && `${labelOf(waiting)} waits for its knob, fader or pedal: move it now`;
    this.statusLine.hidden = !(this.isOn || waiting);
    this.statusLine.classList.toggle("is-waiting", Boolean(waiting));
    this.statusLine.classList.toggle("is-error", !waiting && Boolean(outcome?.is_error));
    this.statusLine.textContent = waitingText
      ? `${waitingText}${this.isOn ? ", or press again to give up." : "."}`
      : (outcome?.sentence ?? HINT);
  }

  #setMode(isOn) {
    if (this.isOn && this.waiting) this.#request(null);
    this.isOn = isOn;
    this.outcome = null;
    this.show();
  }

  #toggleWaiting(name) {
    this.#request(this.waiting === name ? null : name);
  }

  // Asks the jam to wait for the knob of a control, or of none.
  #request(control) {
    if (!control) {
      // Giving up is shown at once, without the jam's answer.
      this.waiting = null;
      this.show();
    }
    this.send({ type: "learn", control });
  }

  #showButton(button, name) {
    const isWaiting = this.waiting === name;
    const label = labelOf(name);
    const knob = knobTexts(this.bindings[name]);
    const [text, description] = isWaiting ? ["Move…", `Move… the knob for ${label}, or press again to give up`]
      : knob ? [knob.cc, `${knob.cc}${knob.channel} moves ${label}${this.isOn ? "; learn another knob" : ""}`]
      : ["Learn", `Learn a knob for ${label}`]; // prettier-ignore
    button.textContent = text;
    button.title = description;
    button.setAttribute("aria-label", description);
    button.classList.toggle("is-waiting", isWaiting);
    button.disabled = !this.isOn;
    button.hidden = !(this.isOn || knob || isWaiting);
    button.closest(".control")?.classList.toggle("is-waiting", isWaiting);
  }

  #showAction(button, name) {
    const isWaiting = this.waiting === name;
    button.querySelector(".binding").textContent = isWaiting ? "Move…" : (knobTexts(this.bindings[name])?.cc ?? "");
    button.classList.toggle("is-waiting", isWaiting);
    const description = this.isOn ? "Learn a pedal or button for this" : button.dataset.help;
    button.title = description;
    button.setAttribute("aria-description", description);
  }
}

function knobTexts(binding) {
  if (!binding) return null;
  return { cc: `CC ${binding.cc}`, channel: binding.channel === null ? "" : ` on channel ${binding.channel}` };
}
