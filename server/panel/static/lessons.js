// MIDI learn: which knob moves which control, and the mode in which a control is picked that the next knob is to move.
// All pages show the same; what is bound is the jam's to say.

import { element, labelOf } from "./controls.js";

const HINT = "Press Learn at a control, or a button, then move its knob, fader or pedal.";

export class Lessons {
  // `toggle` is the button of the mode, `strip` says what is waited for.
  constructor(toggle, strip, { send, say }) {
    this.toggle = toggle;
    this.strip = strip;
    this.send = send;
    this.say = say;
    this.bindings = {};
    this.learning = null;
    this.isOn = false;
    toggle.onclick = () => this.turn(!this.isOn);
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.isOn || event.defaultPrevented) return;
      if (this.learning) this.#ask(null);
      else this.turn(false);
    });
  }

  turn(isOn) {
    if (this.isOn && this.learning) this.#ask(null);
    this.isOn = isOn;
    this.outcome = null;
    this.show();
  }

  // What the jam tells of it.
  take({ bindings, learning, said }) {
    this.bindings = bindings ?? this.bindings;
    if (learning !== undefined) {
      if (learning) this.outcome = null;
      this.learning = learning;
    }
    if (said) {
      this.outcome = said;
      if (!this.isOn) this.say(said.sentence, said.is_wrong);
    }
    this.show();
  }

  // The line is lost, and with it whatever was waited for.
  forget() {
    this.learning = null;
    this.show();
  }

  // Whether a knob, on a channel from 0, moves a control: then it is none of an instrument's.
  isBound(cc, channel) {
    return Object.values(this.bindings).some((one) => one?.cc === cc && [null, channel + 1].includes(one.channel));
  }

  // The button at a control's name; null where no knob can move it.
  button(name) {
    if (!(name in this.bindings)) return null;
    const button = element("button", "knob");
    button.type = "button";
    button.dataset.knob = name;
    button.onclick = () => this.#pick(name);
    return button;
  }

  // Whether a press of an action's button was meant to pick it.
  picks(name) {
    const isMeant = this.isOn && name in this.bindings;
    if (isMeant) this.#pick(name);
    return isMeant;
  }

  show() {
    this.toggle.setAttribute("aria-pressed", String(this.isOn));
    document.body.classList.toggle("is-learning", this.isOn);
    for (const button of document.querySelectorAll("[data-knob]")) this.#showButton(button, button.dataset.knob);
    for (const button of document.querySelectorAll("[data-picks]")) this.#showAction(button, button.dataset.picks);
    const { learning, outcome } = this;
    const waits = learning && `${labelOf(learning)} waits for its knob, fader or pedal: move it now`;
    this.strip.hidden = !(this.isOn || learning);
    this.strip.classList.toggle("is-waiting", Boolean(learning));
    this.strip.classList.toggle("is-wrong", !learning && Boolean(outcome?.is_wrong));
    this.strip.textContent = waits ? `${waits}${this.isOn ? ", or press again to give up." : "."}` : (outcome?.sentence ?? HINT);
  }

  #pick(name) {
    this.#ask(this.learning === name ? null : name);
  }

  #ask(control) {
    if (!control) {
      // Who gives up need not wait for the jam's word.
      this.learning = null;
      this.show();
    }
    this.send({ type: "learn", control });
  }

  #showButton(button, name) {
    const waits = this.learning === name;
    const label = labelOf(name);
    const at = nameOfKnob(this.bindings[name]);
    const [text, means] = waits ? ["Move…", `Move… the knob for ${label}, or press again to give up`]
      : at ? [at.short, `${at.short}${at.more} moves ${label}${this.isOn ? "; learn another knob" : ""}`]
      : ["Learn", `Learn a knob for ${label}`]; // prettier-ignore
    button.textContent = text;
    button.title = means;
    button.setAttribute("aria-label", means);
    button.classList.toggle("is-waiting", waits);
    button.disabled = !this.isOn;
    button.hidden = !(this.isOn || at || waits);
    button.closest(".control")?.classList.toggle("is-waiting", waits);
  }

  #showAction(button, name) {
    const waits = this.learning === name;
    const caption = button.querySelector(".at");
    caption.textContent = waits ? "Move…" : (nameOfKnob(this.bindings[name])?.short ?? "");
    button.classList.toggle("is-waiting", waits);
    const does = this.isOn ? "Learn the pedal or button that is to do this" : button.dataset.help;
    button.title = does;
    button.setAttribute("aria-description", does);
  }
}

function nameOfKnob(binding) {
  if (!binding) return null;
  return { short: `CC ${binding.cc}`, more: binding.channel === null ? "" : ` on channel ${binding.channel}` };
}
