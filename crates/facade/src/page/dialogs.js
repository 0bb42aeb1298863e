// Questions and details, in the browser's own dialogs: they keep the focus and give it back.
import { unix } from "/page/api.js";
import { byId, make, say } from "/page/dom.js";

// Whether the answer is yes. Escape is no.
export const confirm = (title, text, yes) => {
  const dialog = byId("confirm");
  say(byId("confirm-title"), title);
  say(byId("confirm-text"), text);
  say(byId("confirm-yes"), yes);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
};

const TIMES = new Set(["event_timestamp", "initial_registration", "last_registration"]);
const time = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

const shown = (name, value) => (TIMES.has(name) ? time.format(new Date(unix(value) * 1000)) : String(value));

// Every field of a registration.
export const details = (entry, flush) => {
  const dialog = byId("details");
  say(byId("details-title"), `${entry.username}@${entry.realm}`);
  const fields = Object.entries(entry.raw).map(([name, value]) =>
    make("div", {}, make("dt", { text: name.replaceAll("_", " ") }), make("dd", { text: shown(name, value) })));
  byId("details-fields").replaceChildren(...fields);
  byId("details-flush").onclick = () => {
    dialog.close();
    flush(entry);
  };
  dialog.showModal();
  byId("details-scroll").scrollTop = 0;
};

export const closeAll = () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close("no");
};
