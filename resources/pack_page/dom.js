// Elements are made here and nowhere else; a text is only ever put in as text.

const $ = (id) => document.getElementById(id);

function make(tag, { text, title, label, kind, on, data, ...more } = {}, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  if (title) made.title = title;
  if (label) made.setAttribute("aria-label", label);
  if (on) made.addEventListener("click", on);
  Object.assign(made.dataset, data);
  Object.assign(made, tag === "button" ? { type: "button", ...more } : more);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function passage(kind, text) {
  return make("div", { kind, text, dir: "auto" });
}

function pressed(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

const narrow = matchMedia("(max-width: 759px)");
const coarse = matchMedia("(pointer: coarse)");
