// The buttons: the jam's actions, recording, a file of music as the seed, and the list of takes where the jam keeps them.

import { createElement, labelOf } from "../view/dom.js";

const LARGEST_SEED_BYTES = 256 * 1024;
const FLASH_MS = 180;
const ACTION_TITLES = { respond: "Respond", play: "Play band", stop: "Stop", panic: "Panic", tap: "Tap" };

export class ActionButtons {
  // Files may be dropped on `dropTarget`. `sendValue` takes a control's name and its new value, `showNotice` a sentence.
  constructor(container, dropTarget, midiLearn, { sendValue, showNotice }) {
    this.container = container;
    this.midiLearn = midiLearn;
    this.sendValue = sendValue;
    this.showNotice = showNotice;
    this.actionButtons = new Map(); // an action's name: its button
    this.#acceptDrops(dropTarget);
  }

  // `takes` is whether the jam keeps takes.
  build(table, { takes }) {
    const actions = table.filter((control) => control.kind === "action");
    const buttons = actions.map((action) => this.#createAction(action));
    const record = table.find((control) => control.name === "record" && control.choices?.join() === "off,on");
    if (record) buttons.push(this.#createRecordButton(record));
    buttons.push(this.#createSeedButton());
    if (takes) buttons.push(this.#createTakeList());
    this.container.replaceChildren(...buttons);
  }

  // Shows that an action was requested, here or elsewhere.
  flash(action) {
    const button = this.actionButtons.get(action);
    button?.classList.add("is-flashing");
    setTimeout(() => button?.classList.remove("is-flashing"), FLASH_MS);
  }

  showValues(values) {
    if ("record" in values) this.recordButton?.setAttribute("aria-pressed", String(values.record === "on"));
  }

  #createAction({ name, help }) {
    const button = this.#createButton(name, ACTION_TITLES[name] ?? labelOf(name), help);
    const request = () => this.midiLearn.pickAction(name) || this.sendValue(name, 1);
    if (name === "tap") {
      // A tempo is tapped when the finger goes down, not when it comes up. A click without a pointer is the keyboard's.
      button.onpointerdown = request;
      button.onclick = (event) => event.detail === 0 && request();
    } else button.onclick = request;
    this.actionButtons.set(name, button);
    return button;
  }

  #createRecordButton({ help }) {
    const button = this.#createButton("record", "Record", help);
    button.setAttribute("aria-pressed", "false");
    button.onclick = () =>
      this.midiLearn.pickAction("record") ||
      this.sendValue("record", button.getAttribute("aria-pressed") === "true" ? "off" : "on");
    this.recordButton = button;
    return button;
  }

  // A button that MIDI learn can bind: the knob or pedal that also does this is shown below its title.
  #createButton(name, title, help) {
    const button = createElement("button", `action is-${name}`, title);
    button.type = "button";
    button.append(createElement("small", "binding"));
    Object.assign(button.dataset, { learnAction: name, help });
    return button;
  }

  #createSeedButton() {
    const label = createElement("label", "action is-seed");
    const input = createElement("input");
    Object.assign(input, { type: "file", accept: ".mid,.midi,.kar,.rmi,.musicxml,.xml,.mxl,.abc,audio/midi" });
    input.onchange = () => {
      if (input.files[0]) this.#sendSeed(input.files[0]);
      input.value = "";
    };
    label.title = "Play a file of music (.mid, MusicXML or ABC) to the partner; or drop one anywhere on this page";
    label.append(input, createElement("span", "", "Play .mid"));
    return label;
  }

  #createTakeList() {
    const details = createElement("details", "takes");
    const list = createElement("ul");
    details.append(createElement("summary", "action", "Takes"), list);
    details.ontoggle = async () => {
      if (!details.open) return;
      const takes = await (await fetch("/takes", { cache: "no-store" })).json();
      list.replaceChildren(...takes.map(createTakeItem));
      if (!takes.length) list.replaceChildren(createElement("li", "", "Nothing was played yet."));
    };
    return details;
  }

  #acceptDrops(target) {
    // A drag enters and leaves every element on its way, so only the sum tells whether it is still over the target.
    let entered = 0;
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const addEntered = (change) => {
      entered = Math.max(entered + change, 0);
      target.classList.toggle("is-drop-target", entered > 0);
    };
    addEventListener("dragenter", (event) => hasFiles(event) && (event.preventDefault(), addEntered(1)));
    addEventListener("dragleave", (event) => hasFiles(event) && addEntered(-1));
    addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      addEntered(-entered);
      this.#sendSeed(event.dataTransfer.files[0]);
    });
  }

  async #sendSeed(file) {
    if (file.size > LARGEST_SEED_BYTES) {
      const sizes = `${Math.ceil(file.size / 1024)} kB; a seed has at most ${LARGEST_SEED_BYTES / 1024}`;
      this.showNotice(`${file.name} has ${sizes}`, true);
      return;
    }
    try {
      const headers = { "X-Name": encodeURIComponent(file.name) };
      const response = await fetch("/seed", { method: "POST", body: file, headers });
      const seed = await response.json();
      const remark = seed.remark ? `. ${seed.remark}` : "";
      if (response.ok) this.showNotice(`${seed.name} is played to the partner: ${seed.notes} notes, ${seed.seconds} s${remark}`);
      else this.showNotice(seed.reason, true);
    } catch {
      this.showNotice(`${file.name} could not be sent`, true);
    }
  }
}

// A jam, or a marked stretch of one, whose id has the mark's number behind a colon.
function createTakeItem({ id, began_at: beganAt, seconds, notes }) {
  const mark = id.split(":")[1];
  const began = beganAt ? new Date(beganAt).toLocaleString() : id;
  const text = mark ? `marked, number ${mark}` : `${began}, ${notes} notes`;
  const link = createElement("a", mark ? "mark" : "", `${text}, ${Math.round(seconds)} s`);
  link.href = `/takes/${encodeURIComponent(id)}.mid`;
  link.download = `${id.replace(":", "-")}.mid`;
  const item = createElement("li");
  item.append(link);
  return item;
}
