// Elements and text. What a user wrote becomes text of an element, never markup.

const $ = (id) => document.getElementById(id);
const FORMAT = new Intl.NumberFormat("en"); // once: toLocaleString makes one for each number
const shownNumber = (number) => FORMAT.format(number);
const count = (number, noun) => `${shownNumber(number)} ${noun}${number === 1 ? "" : "s"}`;

// An element with attributes and children; an attribute such as `onclick` listens.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Replaces the children of an element. What has the focus among them, or is open, is so again among the new ones, if
// these have one of the same tag and `data-` names: a page that follows a sweep is drawn anew while it is read.
function refill(parent, ...children) {
  const keyOf = (each) => JSON.stringify([each.tagName, { ...each.dataset }]);
  const focused = parent.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  const open = new Set([...parent.querySelectorAll("details[open][data-key]")].map(keyOf));
  parent.replaceChildren(...children);
  if (open.size) for (const each of parent.querySelectorAll("details[data-key]")) each.open ||= open.has(keyOf(each));
  if (focused === null) return;
  const again = "[data-id], [data-name], [data-key]";
  [...parent.querySelectorAll(again)].find((each) => keyOf(each) === focused)?.focus({ preventScroll: true });
}

// A value for a reader, as a table of the command shows it.
function cell(value) {
  if (value === null) return "-";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return value;
  if (Number.isInteger(value)) return Math.abs(value) < 1e9 ? shownNumber(value) : value.toPrecision(4);
  return String(Number(value.toPrecision(4)));
}

// Names and values of a list of definitions.
function definitions(pairs) {
  return pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
}

function choices(select, names) {
  select.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
}

// The bytes that Base64 text stands for.
function decoded(text) {
  return Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
