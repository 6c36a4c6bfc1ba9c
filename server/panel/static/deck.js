// The buttons: what the jam can be told to do at once, a .mid file as the seed, and takes where it keeps them.

import { element, labelOf } from "./controls.js";

const LARGEST_SEED = 256 * 1024;
const FLASH_MS = 180;
const TITLES = { respond: "Respond", stop: "Stop", panic: "Panic", tap: "Tap" };

export class Deck {
  constructor(place, dropPlace, lessons, { send, say }) {
    this.place = place;
    this.lessons = lessons;
    this.send = send;
    this.say = say;
    this.buttons = new Map();
    this.#takeDrops(dropPlace);
  }

  build(table, { takes }) {
    const actions = table.filter((row) => row.kind === "action");
    const made = actions.map((action) => this.#action(action));
    const record = table.find((row) => row.name === "record" && row.choices?.join() === "off,on");
    if (record) made.push(this.#record(record));
    made.push(this.#seed());
    if (takes) made.push(this.#takes());
    this.place.replaceChildren(...made);
  }

  // Somebody asked for an action, here or elsewhere.
  flash(name) {
    const button = this.buttons.get(name);
    button?.classList.add("is-asked");
    setTimeout(() => button?.classList.remove("is-asked"), FLASH_MS);
  }

  show(values) {
    if ("record" in values) this.recording?.setAttribute("aria-pressed", String(values.record === "on"));
  }

  #action({ name, help }) {
    const button = this.#button(name, TITLES[name] ?? labelOf(name), help);
    // A tempo is tapped as the finger goes down, not as it comes up.
    const ask = () => this.lessons.picks(name) || this.send(name, 1);
    if (name === "tap") {
      button.onpointerdown = ask;
      button.onclick = (event) => event.detail === 0 && ask();
    } else button.onclick = ask;
    this.buttons.set(name, button);
    return button;
  }

  #record({ help }) {
    const button = this.#button("record", "Record", help);
    button.setAttribute("aria-pressed", "false");
    button.onclick = () =>
      this.lessons.picks("record") ||
      this.send("record", button.getAttribute("aria-pressed") === "true" ? "off" : "on");
    this.recording = button;
    return button;
  }

  // Under its name the knob or the pedal that does it too.
  #button(name, title, help) {
    const button = element("button", `action is-${name}`, title);
    button.type = "button";
    button.append(element("small", "at"));
    Object.assign(button.dataset, { picks: name, help });
    return button;
  }

  #seed() {
    const label = element("label", "action is-seed");
    const input = element("input");
    Object.assign(input, { type: "file", accept: ".mid,.midi,.kar,.rmi,.musicxml,.mxl,.abc,audio/midi" });
    input.onchange = () => {
      if (input.files[0]) this.#sendSeed(input.files[0]);
      input.value = "";
    };
    label.title = "Play a .mid file to the partner; or drop one anywhere on this page";
    label.append(input, element("span", "", "Play .mid"));
    return label;
  }

  #takes() {
    const box = element("details", "takes");
    const list = element("ul");
    box.append(element("summary", "action", "Takes"), list);
    box.ontoggle = async () => {
      if (!box.open) return;
      const rows = await (await fetch("/takes", { cache: "no-store" })).json();
      list.replaceChildren(
        ...rows.map(({ id, began_at: beganAt, seconds, notes }) => {
          const mark = id.split(":")[1];
          const began = beganAt ? new Date(beganAt).toLocaleString() : id;
          const text = mark ? `marked, number ${mark}` : `${began}, ${notes} notes`;
          const link = element("a", mark ? "mark" : "", `${text}, ${Math.round(seconds)} s`);
          link.href = `/takes/${encodeURIComponent(id)}.mid`;
          link.download = `${id.replace(":", "-")}.mid`;
          const item = element("li");
          item.append(link);
          return item;
        }),
      );
      if (!rows.length) list.replaceChildren(element("li", "", "Nothing was played yet."));
    };
    return box;
  }

  #takeDrops(place) {
    let over = 0;
    const isFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const mark = (change) => {
      over = Math.max(over + change, 0);
      place.classList.toggle("is-dropped-on", over > 0);
    };
    addEventListener("dragenter", (event) => isFile(event) && (event.preventDefault(), mark(1)));
    addEventListener("dragleave", (event) => isFile(event) && mark(-1));
    addEventListener("dragover", (event) => isFile(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      mark(-over);
      this.#sendSeed(event.dataTransfer.files[0]);
    });
  }

  async #sendSeed(file) {
    if (file.size > LARGEST_SEED) {
      this.say(`${file.name} has ${Math.ceil(file.size / 1024)} kB; a seed has at most ${LARGEST_SEED / 1024}`, true);
      return;
    }
    try {
      const headers = { "X-Name": encodeURIComponent(file.name) };
      const answer = await fetch("/seed", { method: "POST", body: file, headers });
      const told = await answer.json();
      const remark = told.remark ? `. ${told.remark}` : "";
      if (answer.ok) this.say(`${told.name} is played to the partner: ${told.notes} notes, ${told.seconds} s${remark}`);
      else this.say(told.reason, true);
    } catch {
      this.say(`${file.name} did not get through`, true);
    }
  }
}
