// All accounts, for those who may see them: how many, how fast, of which kind, and how the zones do.
import { ask } from "/page/api.js";
import { byId, count, make, number, say } from "/page/dom.js";
import { bars, Plot } from "/page/plot.js";

const EVERY = 5000;
const HOUR = 3600;
const KINDS = ["refreshed", "registered", "moved", "unregistered", "expired", "flushed"];
const TOP = 12;

let asking = null;
let plots = null;
let lists = "";

const sum = (values) => values.reduce((a, b) => a + b, 0);
const rate = (n) => (n === 0 ? "0" : n >= 100 ? number(Math.round(n)) : n.toFixed(n >= 10 ? 1 : 2));

const setUp = (seconds) => {
  const note = (of, text) => (point) => say(byId(of), point ? `${point.time}: ${text(point)}` : "");
  return {
    count: new Plot(byId("count-plot"), { seconds, span: HOUR, whole: true, told: note("count-note", ({ sum: n }) => count(n, "phone")) }),
    events: new Plot(byId("events-plot"), { seconds, span: HOUR, whole: false, told: (point) => legend(point?.at) }),
  };
};

let rates = [];
// Rates at a point; by default of the last minute.
const legend = (at) => {
  const shown = rates.map(({ kind, values }) => {
    const last = values.slice(-6);
    const n = at === undefined ? sum(last) / (last.length || 1) : values[at];
    return { kind, text: `${kind} ${rate(n)}` };
  });
  const list = byId("legend");
  if (list.children.length !== shown.length) {
    list.replaceChildren(...shown.map(({ kind }) => make("li", {}, make("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), make("span", {}))));
  }
  shown.forEach(({ text }, at) => say(list.children[at].lastChild, text));
};

const tile = (name, value, more = "", kind = "") =>
  make("li", { class: `tile ${kind}` }, make("span", { class: "what", text: name }), make("strong", { text: value }), make("span", { class: "minor", text: more }));

const zoneTiles = (health) => Object.entries(health.zones ?? {}).map(([name, zone]) => {
  const well = zone.broker === "consuming" && zone.table === "warm";
  const waits = zone.waits_for ? `, waits for ${zone.waits_for}` : "";
  const more = zone.reason ?? `table ${zone.table}${waits}`;
  return tile(`Zone ${name}`, zone.broker, more, well ? "well" : zone.broker === "down" ? "bad" : "so-so");
});

const show = (data, health, node) => {
  const { history } = data;
  plots ??= setUp(history.seconds);
  rates = KINDS.map((kind) => ({ kind, values: history.events[kind].map((n) => n / history.seconds) }));
  const totals = Object.fromEntries(KINDS.map((kind) => [kind, sum(history.events[kind])]));
  const ends = totals.unregistered + totals.expired + totals.flushed;
  const now = rates.map(({ values }) => sum(values.slice(-6)) / Math.min(6, values.length || 1));
  const span = Math.max(1, Math.round((history.registrations.length * history.seconds) / 60));
  const lately = `in the last ${span >= 60 ? "hour" : count(span, "minute")}`;
  say(byId("system-about"), `as ${node} sees them`);
  byId("tiles").replaceChildren(
    tile("Registrations", number(data.registrations), "now"),
    tile("Events a second", rate(sum(now)), "in the last minute"),
    tile("New", number(totals.registered), lately),
    tile("Ended", number(ends), `${lately}: ${number(totals.expired)} expired, ${number(totals.flushed)} flushed`),
    ...zoneTiles(health));
  const counts = history.registrations;
  plots.count.show([{ kind: "registrations", values: counts }], history.until,
    `Registrations ${lately}: ${number(data.registrations)} now, at least ${number(Math.min(data.registrations, ...counts))}, at most ${number(Math.max(data.registrations, ...counts))}`);
  plots.events.show(rates, history.until, `Events a second ${lately}: ${rates.map(({ kind }, at) => `${kind} ${rate(now[at])}`).join(", ")}`);
  legend();
  // What is the same stays, with the focus that may be in it.
  const text = JSON.stringify([data.registrations, data.user_agents, data.zones, data.accounts]);
  if (text === lists || byId("accounts").contains(document.activeElement)) return;
  lists = text;
  const rest = (shares) => sum(shares.slice(TOP).map((share) => share.count));
  byId("agents").replaceChildren(bars("User agent", data.user_agents.slice(0, TOP), data.other_user_agents + rest(data.user_agents), data.registrations));
  byId("zones").replaceChildren(bars("Zone", data.zones.slice(0, TOP), data.other_zones + rest(data.zones), data.registrations));
  const link = ({ name, id, realm }) => make("a", { href: `#account/${id}` }, make("span", { text: name || realm || id }), make("span", { class: "minor", text: name ? realm : "" }));
  byId("accounts").replaceChildren(bars("Account", data.accounts, 0, data.registrations, link));
};

const look = async (signal, ended) => {
  try {
    const [summary, health] = await Promise.all([
      ask("/v2/registrations/summary", { signal }),
      fetch("/readyz", { signal, cache: "no-store", credentials: "omit" }).then((answer) => answer.json()).catch(() => ({})),
    ]);
    if (!signal.aborted) show(summary.data, health, summary.node);
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 401 || error.status === 403) return ended(error);
    say(byId("system-about"), `${error.message}; what is shown is old`);
  }
};

export const open = (ended) => {
  if (asking) return;
  asking = new AbortController();
  const { signal } = asking;
  const again = async () => {
    // Nobody looks at a tab in the background.
    if (document.visibilityState === "visible") await look(signal, ended);
    if (!signal.aborted) setTimeout(again, EVERY);
  };
  again();
};

export const close = () => {
  asking?.abort();
  asking = null;
};
