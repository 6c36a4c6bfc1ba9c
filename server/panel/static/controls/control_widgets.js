// The widget of one control: a number is a slider with a field, a choice is radio buttons or a list. A widget knows no
// jam; it has a `head` and a `body` to put on the page, `show(value)`, and `onInput(value)`, which is called when the
// user moves it.

import { createElement, labelOf } from "../view/dom.js";

// A choice with no more options than this, and no more letters in all of them, is shown as radio buttons.
const RADIO_LIMITS = { choices: 5, letters: 30 };
const SLIDER_STEPS = 1000;

export function formatValue(value, { whole }) {
  return whole ? String(value) : String(Number(Number(value).toFixed(3)));
}

export function createWidget(control) {
  const { kind, choices = [] } = control;
  if (kind === "number") return createSlider(control);
  const fitsRadios = choices.length <= RADIO_LIMITS.choices && choices.join("").length <= RADIO_LIMITS.letters;
  if (kind === "name" && control.names.includes("bars")) return createText(control);
  return kind === "choice" && fitsRadios ? createRadioButtons(control) : createList(control);
}

// A text with suggestions: it is sent with Enter, or when the field is left.
function createText(control) {
  const { name, names, choices = [] } = control;
  const head = createElement("div", "control-head");
  const label = createElement("label", "", labelOf(name));
  const body = createElement("input", "list text-field");
  const suggestions = createElement("datalist");
  suggestions.id = `choices-${name}`;
  suggestions.append(...choices.map((choice) => new Option(choice, choice)));
  Object.assign(body, { id: `control-${name}`, type: "text", autocomplete: "off", spellcheck: false, placeholder: names });
  body.setAttribute("list", suggestions.id);
  body.setAttribute("aria-describedby", `help-${name}`);
  label.htmlFor = body.id;
  head.append(label, suggestions);
  const widget = {
    head,
    body,
    onInput: () => {},
    show(value, isFromUser = false) {
      if (!(isFromUser && document.activeElement === body)) body.value = value;
    },
  };
  body.onchange = () => body.value.trim() && widget.onInput(body.value.trim());
  return widget;
}

function createSlider(control) {
  const { name, low, high, unit, whole } = control;
  const head = createElement("div", "control-head");
  const label = createElement("label", "", labelOf(name));
  const field = createElement("input", "field");
  const slider = createElement("input", "slider");
  Object.assign(field, { type: "number", id: `control-${name}`, min: low, max: high, step: whole ? 1 : "any" });
  label.htmlFor = field.id;
  // A small range of whole numbers has one step for each; any other range is mapped to SLIDER_STEPS.
  const isStepPerValue = Boolean(whole) && high - low <= SLIDER_STEPS;
  const [min, max] = isStepPerValue ? [low, high] : [0, SLIDER_STEPS];
  Object.assign(slider, { type: "range", min, max, step: 1 });
  slider.setAttribute("aria-label", labelOf(name));
  for (const input of [field, slider]) input.setAttribute("aria-describedby", `help-${name}`);
  const valueBox = createElement("span", "value");
  valueBox.append(field, createElement("span", "unit", unit));
  head.append(label, valueBox);
  const widget = {
    head,
    body: slider,
    onInput: () => {},
    // A value that comes from the user is already in the input that has the focus.
    show(value, isFromUser = false) {
      if (!(isFromUser && document.activeElement === field)) field.value = formatValue(value, control);
      if (!(isFromUser && document.activeElement === slider)) slider.value = isStepPerValue ? value : toSlider(value, control);
      slider.setAttribute("aria-valuetext", `${formatValue(value, control)} ${unit}`.trim());
      const share = (slider.value - slider.min) / (slider.max - slider.min);
      slider.style.setProperty("--filled", `${share * 100}%`);
    },
  };
  slider.oninput = () => widget.onInput(isStepPerValue ? Number(slider.value) : fromSlider(Number(slider.value), control));
  field.onchange = () => {
    const value = Math.min(Math.max(Number(field.value.replace(",", ".")), low), high);
    if (field.value !== "" && !Number.isNaN(value)) widget.onInput(whole ? Math.round(value) : value);
    field.blur();
  };
  return widget;
}

// A slider goes through its range evenly, in equal ratios ("log"), or slowly at first ("cubic").
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
  // Rounded to as many digits as a hand can set on purpose.
  const step = 10 ** Math.floor(Math.log10(Math.max(curve ? value : high - low, 0.01) / 50));
  return Math.min(Math.max(Number((Math.round(value / step) * step).toFixed(4)), low), high);
}

function createRadioButtons(control) {
  const { name, choices } = control;
  const head = createElement("div", "control-head");
  const label = createElement("span", "label", labelOf(name));
  label.id = `label-${name}`;
  head.append(label);
  const body = createElement("div", "radio-buttons");
  body.setAttribute("role", "radiogroup");
  body.setAttribute("aria-labelledby", label.id);
  body.setAttribute("aria-describedby", `help-${name}`);
  const inputs = choices.map((choice) => {
    const input = createElement("input");
    Object.assign(input, { type: "radio", name: `control-${name}`, value: choice });
    input.onchange = () => widget.onInput(choice);
    const option = createElement("label", "option");
    option.append(input, createElement("span", "", choice));
    body.append(option);
    return input;
  });
  const widget = {
    head,
    body,
    onInput: () => {},
    show: (value) => inputs.forEach((input) => (input.checked = input.value === value)),
  };
  return widget;
}

function createList(control) {
  const { name, choices = [] } = control;
  const head = createElement("div", "control-head");
  const label = createElement("label", "", labelOf(name));
  const body = createElement("select", "list");
  body.id = `control-${name}`;
  label.htmlFor = body.id;
  body.setAttribute("aria-describedby", `help-${name}`);
  head.append(label);
  body.append(...choices.map((choice) => new Option(choice, choice)));
  const widget = {
    head,
    body,
    onInput: () => {},
    show(value) {
      // A pack may be a folder of the user's own, which is not in the list.
      if (![...body.options].some((option) => option.value === value)) body.append(new Option(value, value));
      body.value = value;
    },
  };
  body.onchange = () => widget.onInput(body.value);
  return widget;
}
