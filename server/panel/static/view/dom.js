// Elements of the page, and the labels of names.

export function createElement(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

// The name of a control or readout, as a person reads it.
export const labelOf = (name) => {
  const words = name.replace(/_ms$/, "").replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
};
