// All controls of the jam in groups, built from the jam's table alone, so that a new control needs nothing here. A
// control that is being moved on this page ignores the jam's echo of its own changes.

import { createElement, labelOf } from "../view/dom.js";
import { createWidget, formatValue } from "./control_widgets.js";

const GROUP_TITLES = { partner: "Partner", turns: "Turns", time: "Time", rhythm: "Rhythm", sound: "Sound", takes: "Takes" };
const GROUPS_OPEN_ON_A_PHONE = new Set(["partner", "turns"]);
// How often the value of a control that is being moved is sent.
const SEND_EVERY_MS = 33;
// How long after its last movement a control counts as being moved.
const TOUCHED_MS = 350;
// A timer may fire a little early: this makes sure that it fires after the moment that it waits for.
const TIMER_MARGIN_MS = 20;

export class ControlPanel {
  // `sendValue` takes a control's name and its new value; `midiLearn` provides each control's learn button.
  constructor(container, sendValue, midiLearn) {
    this.container = container;
    this.sendValue = sendValue;
    this.midiLearn = midiLearn;
    this.entries = new Map(); // a control's name: its widget and what is known of it
    this.values = {};
  }

  // Shows a table of controls with its values; the elements are built again only where the table has changed.
  build(table, values) {
    const tableText = JSON.stringify(table);
    if (tableText !== this.tableText) {
      this.tableText = tableText;
      this.entries.clear();
      const groups = new Map();
      for (const control of table.filter((one) => one.kind !== "action")) {
        groups.set(control.group, [...(groups.get(control.group) ?? []), control]);
      }
      this.container.replaceChildren(...[...groups].map(([group, controls]) => this.#createGroup(group, controls)));
    }
    this.showValues(values, true);
  }

  // Shows values that the jam has sent. Unless `isForced`, a control that is being moved here keeps its own for now.
  showValues(values, isForced = false) {
    Object.assign(this.values, values);
    for (const [name, value] of Object.entries(values)) {
      const entry = this.entries.get(name);
      if (!entry) continue;
      entry.jamValue = value;
      if (isForced || performance.now() > entry.touchedUntilMs) entry.show(value);
    }
  }

  #createGroup(group, controls) {
    const details = createElement("details", "group");
    details.open = GROUPS_OPEN_ON_A_PHONE.has(group) || matchMedia("(min-width: 700px)").matches;
    const summary = createElement("summary", "", GROUP_TITLES[group] ?? group);
    details.append(summary, ...controls.map((control) => this.#createControl(control)));
    return details;
  }

  #createControl(control) {
    const { name, kind } = control;
    const widget = createWidget(control);
    const shownDefault = kind === "number" ? formatValue(control.default, control) : control.default;
    const reset = createElement("button", "reset", "↺");
    reset.type = "button";
    reset.title = `Back to ${shownDefault}`;
    reset.setAttribute("aria-label", `${labelOf(name)}: back to ${shownDefault}`);

    const show = (value, isFromUser = false) => {
      widget.show(value, isFromUser);
      reset.hidden = value === control.default;
    };
    const entry = { name, show, touchedUntilMs: 0, jamValue: control.default };
    this.entries.set(name, entry);
    widget.onInput = (value) => {
      entry.touchedUntilMs = performance.now() + TOUCHED_MS;
      show(value, true);
      this.#sendSoon(entry, value);
    };
    reset.onclick = () => {
      widget.onInput(control.default);
      entry.touchedUntilMs = 0;
      widget.show(control.default);
    };

    const box = createElement("div", `control is-${kind}`);
    box.dataset.control = name;
    const help = createElement("p", "help", control.help);
    help.id = `help-${name}`;
    widget.head.append(...[this.midiLearn.createButton(name), reset].filter(Boolean));
    box.append(widget.head, widget.body, help);
    return box;
  }

  // Sends the first value at once, and later ones as often as SEND_EVERY_MS; the last one is always sent. Once the
  // control rests, it shows the jam's value.
  #sendSoon(entry, value) {
    entry.unsentValue = value;
    if (entry.sendTimer) return;
    const send = () => {
      entry.sendTimer = undefined;
      if (entry.unsentValue === undefined) return;
      this.sendValue(entry.name, entry.unsentValue);
      entry.unsentValue = undefined;
      entry.sendTimer = setTimeout(send, SEND_EVERY_MS);
    };
    send();
    clearTimeout(entry.restTimer);
    const showAtRest = () => {
      const leftMs = entry.touchedUntilMs - performance.now();
      if (leftMs > 0) entry.restTimer = setTimeout(showAtRest, leftMs + TIMER_MARGIN_MS);
      else entry.show(entry.jamValue);
    };
    entry.restTimer = setTimeout(showAtRest, TOUCHED_MS + TIMER_MARGIN_MS);
  }
}
