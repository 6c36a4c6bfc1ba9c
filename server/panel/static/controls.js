// Every control of the jam's table, by group: a number is a slider with a field, a choice buttons or a list; made from
// the table alone. What is being moved here is not moved back by its own echo.

const TITLES = { partner: "Partner", turns: "Turns", time: "Time", rhythm: "Rhythm", sound: "Sound", takes: "Takes" };
const OPEN_ON_A_PHONE = new Set(["partner", "turns"]);
const FEW = { choices: 5, letters: 30 };
const SLIDER_STEPS = 1000;
// How often a control that is moved is told of, and how long a finger counts as on it.
const SEND_EVERY_MS = 33;
const FINGER_MS = 350;

export class Controls {
  // `lessons` gives each control that a knob can move its button.
  constructor(element, send, lessons) {
    this.element = element;
    this.send = send;
    this.lessons = lessons;
    this.rows = new Map();
    this.values = {};
  }

  // The whole table anew, with its values.
  build(table, values) {
    const shape = JSON.stringify(table);
    if (shape !== this.shape) {
      this.shape = shape;
      this.rows.clear();
      const groups = Map.groupBy
        ? Map.groupBy(table.filter((row) => row.kind !== "action"), (row) => row.group)
        : grouped(table.filter((row) => row.kind !== "action"));
      this.element.replaceChildren(...[...groups].map(([group, rows]) => this.#group(group, rows)));
    }
    this.show(values, true);
  }

  // Values that were set, by whoever it was.
  show(values, isFirm = false) {
    Object.assign(this.values, values);
    for (const [name, value] of Object.entries(values)) {
      const row = this.rows.get(name);
      if (!row) continue;
      row.told = value;
      if (isFirm || performance.now() > row.heldUntilMs) row.show(value);
    }
  }

  #group(group, rows) {
    const details = element("details", "group");
    details.open = OPEN_ON_A_PHONE.has(group) || matchMedia("(min-width: 700px)").matches;
    const summary = element("summary", "", TITLES[group] ?? group);
    details.append(summary, ...rows.map((row) => this.#row(row)));
    return details;
  }

  #row(control) {
    const row = { control, heldUntilMs: 0, told: control.default };
    this.rows.set(control.name, row);
    const { name, kind, choices = [] } = control;
    const few = choices.length <= FEW.choices && choices.join("").length <= FEW.letters;
    const made = kind === "number" ? number(control) : kind === "choice" && few ? buttons(control) : list(control);
    row.show = (value) => {
      made.show(value);
      reset.hidden = value === control.default;
    };
    made.onInput = (value) => {
      row.heldUntilMs = performance.now() + FINGER_MS;
      made.show(value, true);
      reset.hidden = value === control.default;
      this.#sendSoon(row, value);
    };
    const shownDefault = kind === "number" ? format(control.default, control) : control.default;
    const reset = element("button", "reset", "↺");
    reset.type = "button";
    reset.title = `Back to ${shownDefault}`;
    reset.setAttribute("aria-label", `${labelOf(name)}: back to ${shownDefault}`);
    reset.onclick = () => {
      made.onInput(control.default);
      row.heldUntilMs = 0;
      made.show(control.default);
    };
    const box = element("div", `control is-${kind}`);
    box.dataset.control = name;
    const help = element("p", "help", control.help);
    help.id = `help-${name}`;
    made.head.append(...[this.lessons.button(name), reset].filter(Boolean));
    box.append(made.head, made.body, help);
    return box;
  }

  // At once, and from then on as often as an eye can follow; the last one always.
  #sendSoon(row, value) {
    row.waiting = value;
    if (row.timer) return;
    const flush = () => {
      row.timer = undefined;
      if (row.waiting === undefined) return;
      this.send(row.control.name, row.waiting);
      row.waiting = undefined;
      row.timer = setTimeout(flush, SEND_EVERY_MS);
    };
    flush();
    clearTimeout(row.settling);
    const settle = () => {
      const leftMs = row.heldUntilMs - performance.now();
      if (leftMs > 0) row.settling = setTimeout(settle, leftMs + 20);
      else row.show(row.told);
    };
    row.settling = setTimeout(settle, FINGER_MS + 20);
  }
}

export const labelOf = (name) => {
  const words = name.replace(/_ms$/, "").replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
};

function grouped(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return groups;
}

function number(control) {
  const { name, low, high, unit, whole } = control;
  const head = element("div", "head");
  const label = element("label", "", labelOf(name));
  const field = element("input", "field");
  const slider = element("input", "slider");
  Object.assign(field, { type: "number", id: `control-${name}`, min: low, max: high, step: whole ? 1 : "any" });
  label.htmlFor = field.id;
  Object.assign(slider, { type: "range", min: 0, max: SLIDER_STEPS, step: 1 });
  if (whole && high - low <= SLIDER_STEPS) Object.assign(slider, { min: low, max: high });
  const isPlain = slider.min !== "0" || slider.max !== String(SLIDER_STEPS);
  slider.setAttribute("aria-label", labelOf(name));
  for (const input of [field, slider]) input.setAttribute("aria-describedby", `help-${name}`);
  const valueBox = element("span", "value");
  valueBox.append(field, element("span", "unit", unit));
  head.append(label, valueBox);
  const made = {
    head,
    body: slider,
    onInput: () => {},
    show(value, isMine = false) {
      if (!(isMine && document.activeElement === field)) field.value = format(value, control);
      if (!(isMine && document.activeElement === slider)) slider.value = isPlain ? value : toSlider(value, control);
      slider.setAttribute("aria-valuetext", `${format(value, control)} ${unit}`.trim());
      const share = (slider.value - slider.min) / (slider.max - slider.min);
      slider.style.setProperty("--share", `${share * 100}%`);
    },
  };
  slider.oninput = () => made.onInput(isPlain ? Number(slider.value) : fromSlider(Number(slider.value), control));
  field.onchange = () => {
    const value = Math.min(Math.max(Number(field.value.replace(",", ".")), low), high);
    if (field.value !== "" && !Number.isNaN(value)) made.onInput(whole ? Math.round(value) : value);
    field.blur();
  };
  return made;
}

// How a slider goes through a range: evenly, by equal ratios, or slowly at first.
function toSlider(value, { low, high, curve }) {
  const share =
    curve === "log" ? Math.log(value / low) / Math.log(high / low)
    : curve === "cubic" ? Math.cbrt((value - low) / (high - low))
    : (value - low) / (high - low); // prettier-ignore
  return Math.round(share * SLIDER_STEPS);
}

function fromSlider(position, { low, high, curve }) {
  const share = position / SLIDER_STEPS;
  const value =
    curve === "log" ? low * (high / low) ** share
    : curve === "cubic" ? low + (high - low) * share ** 3
    : low + (high - low) * share; // prettier-ignore
  // No more figures than a hand can mean.
  const step = 10 ** Math.floor(Math.log10(Math.max(curve ? value : high - low, 0.01) / 50));
  return Math.min(Math.max(Number((Math.round(value / step) * step).toFixed(4)), low), high);
}

function format(value, { whole }) {
  return whole ? String(value) : String(Number(Number(value).toFixed(3)));
}

function buttons(control) {
  const { name, choices } = control;
  const head = element("div", "head");
  const label = element("span", "label", labelOf(name));
  label.id = `label-${name}`;
  head.append(label);
  const body = element("div", "buttons");
  body.setAttribute("role", "radiogroup");
  body.setAttribute("aria-labelledby", label.id);
  body.setAttribute("aria-describedby", `help-${name}`);
  const made = { head, body, onInput: () => {}, show: (value) => inputs.forEach((one) => (one.checked = one.value === value)) };
  const inputs = choices.map((choice) => {
    const input = element("input");
    Object.assign(input, { type: "radio", name: `control-${name}`, value: choice });
    input.onchange = () => made.onInput(choice);
    const option = element("label", "option");
    option.append(input, element("span", "", choice));
    body.append(option);
    return input;
  });
  return made;
}

function list(control) {
  const { name, choices = [] } = control;
  const head = element("div", "head");
  const label = element("label", "", labelOf(name));
  const body = element("select", "list");
  body.id = `control-${name}`;
  label.htmlFor = body.id;
  body.setAttribute("aria-describedby", `help-${name}`);
  head.append(label);
  body.append(...choices.map((choice) => new Option(choice, choice)));
  const made = {
    head,
    body,
    onInput: () => {},
    show(value) {
      // A pack may be a folder of one's own.
      if (![...body.options].some((option) => option.value === value)) body.append(new Option(value, value));
      body.value = value;
    },
  };
  body.onchange = () => made.onInput(body.value);
  return made;
}

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
