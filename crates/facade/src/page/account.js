// An account's registrations as they come and go.
import { ask, base, events, flush, Failure, list } from "/page/api.js";
import { confirm, details } from "/page/dialogs.js";
import { byId, count, make, notice, number, say } from "/page/dom.js";
import { Rows } from "/page/rows.js";
import { Store } from "/page/store.js";

const COLUMNS = [
  { id: "user", name: "User" }, { id: "device", name: "Device" }, { id: "agent", name: "User agent" },
  { id: "address", name: "Address" }, { id: "proxy", name: "Proxy" }, { id: "zone", name: "Zone" },
  { id: "remaining", name: "Remaining" }, { id: "flush", name: "" },
];
const CHANGES = new Set(["registered", "refreshed", "moved", "unregistered", "expired", "flushed"]);

let account = "";
let following = null;
let loading = false;
let state = "";
const store = new Store(() => show());
const rows = new Rows(byId("scroller"), COLUMNS, store, (what, entry) =>
  what === "flush" ? flushOne(entry) : details(entry, flushOne));

const link = (text, kind) => {
  state = kind;
  say(byId("link-text"), text);
  byId("link").dataset.state = kind;
  byId("link").hidden = false;
};

const show = () => {
  rows.soon();
  const { all, view, words } = store;
  const first = all.values().next().value?.raw;
  say(byId("account-title"), first?.account_name ?? "Registrations");
  say(byId("account-about"), first ? `${first.account_realm ?? first.realm} · ${account}` : account);
  byId("table").setAttribute("aria-rowcount", view.length + 1);
  byId("flush-all").disabled = all.size === 0;
  const text = words.length ? `${number(view.length)} of ${count(all.size, "phone")}` : count(all.size, "phone");
  say(byId("shown"), loading && all.size === 0 ? "Loading …" : text);
  byId("nothing").hidden = view.length > 0 || loading;
  byId("table").classList.toggle("empty", view.length === 0);
  say(byId("nothing-text"), all.size === 0 ? "No phone of this account is registered." : "No phone matches the search.");
};

const missing = (answer, what) => {
  if (answer.warning) notice(answer.warning, "bad");
  notice(answer.note ? `${what}: ${answer.note}` : `${what}.`, "good");
};

const failed = (what, error) => notice(`${what}: ${error.message}. Nothing was removed.`, "bad");

async function flushOne(entry) {
  const name = `${entry.username}@${entry.realm}`;
  const text = `The proxies forget where ${name} is. The phone can be called again once it has registered anew.`;
  if (!(await confirm(`Flush ${name}?`, text, "Flush"))) return;
  try {
    missing(await flush(account, entry.username), `${name} was flushed`);
  } catch (error) {
    failed(`${name} was not flushed`, error);
  }
}

async function flushAll() {
  const phones = count(store.all.size, "phone");
  const text = `All ${phones} of this account, whatever the search shows, can be called again only once they have registered anew.`;
  if (!(await confirm(`Flush all ${phones}?`, text, `Flush all ${phones}`))) return;
  try {
    missing(await flush(account), "All phones were flushed");
  } catch (error) {
    failed("The account was not flushed", error);
  }
}

// Lists anew. What happens meanwhile waits, and is applied on top.
async function load(waiting, signal) {
  loading = true;
  show();
  const stage = store.stage();
  await list(account, signal, (page) => stage.add(page));
  stage.done();
  loading = false;
  for (const [type, registration] of waiting.splice(0)) store.apply(type, registration);
  show();
}

const pause = (milliseconds, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

// One connection, until it ends. What `place` holds outlives it.
async function connection(place, signal) {
  const waiting = [];
  let listed = place.id !== undefined;
  let listing = null;
  const relist = () => {
    listed = false;
    listing = load(waiting, signal).then(() => { listed = true; });
    // It is waited for below; a failure must not count as unheard until then.
    listing.catch(() => place.control.abort());
  };
  for await (const { type, id, data } of events(account, place.id, signal)) {
    if (type === "reset") place.id = undefined;
    else if (type === "ready") {
      link("Live", "live");
      place.wait = 500;
      place.live = true;
      if (place.id === undefined) relist();
      place.id = id;
    } else if (type === "unauthorized") throw new Failure(401, { data: { message: "the token is good no more" } });
    else if (type === "dropped") { place.id = undefined; break; }
    else if (CHANGES.has(type)) {
      const registration = JSON.parse(data);
      if (listed) store.apply(type, registration);
      else waiting.push([type, registration]);
      // While a list is under way the place is not yet that of what is shown.
      if (listed) place.id = id;
    }
  }
  await listing;
  if (!listed) place.id = undefined;
}

// Follows the account until another is followed: reconnects from where it was.
async function follow(signal, ended) {
  const place = { id: undefined, wait: 500, live: false };
  while (!signal.aborted) {
    link("Connecting …", "waiting");
    place.control = new AbortController();
    const stop = AbortSignal.any([signal, place.control.signal]);
    try {
      await connection(place, stop);
    } catch (error) {
      if (signal.aborted) return;
      // A node that has just started may not know yet what it knew.
      const unknown = error.status === 404 && !place.live;
      if (unknown || error.status === 401 || error.status === 403) return ended(error);
      if (place.id !== undefined && loading) place.id = undefined;
    }
    if (signal.aborted) return;
    loading = false;
    link("Reconnecting …", "down");
    await pause(place.wait, signal);
    place.wait = Math.min(place.wait * 2, 10000);
  }
}

export const isLive = () => state === "live";

export const open = (id, ended) => {
  if (following && account === id) return rows.soon();
  close();
  account = id;
  following = new AbortController();
  byId("search").value = "";
  store.words = [];
  store.clear();
  rows.top();
  loading = true;
  show();
  follow(following.signal, ended);
};

export const close = () => {
  following?.abort();
  following = null;
  account = "";
  store.clear();
  byId("link").hidden = true;
};

// Whether there is such an account, and the token may see it.
export const check = (id, token) => ask(`${base(id)}/count`, { token });

const arrow = () => say(byId("direction"), store.descending ? "↓" : "↑");

const sort = (column, descending) => {
  store.sort(column, descending);
  rows.top();
  byId("sort").value = column;
  arrow();
  for (const head of byId("columns").children) {
    const own = head.dataset.column === column;
    if (head.dataset.column !== "flush") head.setAttribute("aria-sort", own ? (descending ? "descending" : "ascending") : "none");
  }
};

const setUp = () => {
  for (const { id, name } of COLUMNS) {
    const head = make("div", { role: "columnheader", class: `cell ${id}`, "data-column": id });
    if (id === "flush") head.append(make("span", { class: "unseen", text: "Actions" }));
    else {
      head.append(make("button", { type: "button", text: name, on: { click: () => sort(id, store.column === id && !store.descending) } }));
      byId("sort").append(make("option", { value: id, text: name }));
    }
    byId("columns").append(head);
  }
  byId("columns").setAttribute("aria-rowindex", 1);
  byId("sort").addEventListener("change", (event) => sort(event.target.value, store.descending));
  byId("direction").addEventListener("click", () => sort(store.column, !store.descending));
  let typing = 0;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => { store.search(event.target.value); rows.top(); }, 80);
  });
  byId("flush-all").addEventListener("click", flushAll);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (byId("account").hidden || document.querySelector("dialog[open]") || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    byId("search").focus();
  });
  setInterval(() => { if (!byId("account").hidden) rows.tickAll(); }, 1000);
  sort("user", false);
};

setUp();
