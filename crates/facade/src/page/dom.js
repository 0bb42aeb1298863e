// Elements from text. Nothing here ever takes text for markup.

export const byId = (id) => document.getElementById(id);

export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
};

// Setting the same text again would make a screen reader say it again, and the browser lay it out.
export const say = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

const plural = new Intl.PluralRules("en");
const numbers = new Intl.NumberFormat("en");
export const number = (n) => numbers.format(n);
export const count = (n, one, many = `${one}s`) => `${number(n)} ${plural.select(n) === "one" ? one : many}`;

export const duration = (seconds) => {
  if (seconds <= 0) return "ended";
  const [d, h, m, s] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)];
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${m} min`;
  if (m) return `${m} min ${String(s).padStart(2, "0")} s`;
  return `${s} s`;
};

// What a person has to know, for some seconds, and a screen reader too.
export const notice = (text, kind = "") => {
  const shown = make("p", { text, class: kind });
  byId("notices").append(shown);
  setTimeout(() => shown.remove(), kind === "bad" ? 12000 : 6000);
};
