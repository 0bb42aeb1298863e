// An account's registrations, and which of them are shown in which order.
import { now, unix } from "/page/api.js";

const address = (ip, port) => (ip ? (ip.includes(":") ? `[${ip}]` : ip) + (port ? `:${port}` : "") : "");

// What is shown of a registration, made once and not for every row that is drawn.
const entry = (r) => {
  const shown = {
    key: `${r.username}@${r.realm}`.toLowerCase(),
    raw: r,
    username: r.username,
    realm: r.realm,
    device: r.authorizing_id ?? "",
    owner: r.owner_id ?? "",
    agent: r.user_agent ?? "",
    address: address(r.source_ip ?? r.network_ip ?? r.contact_ip, r.source_port ?? r.network_port ?? r.contact_port),
    contact: r.contact,
    proxy: address(r.proxy_ip, r.proxy_port) || r.registrar_node || "",
    node: r.registrar_node ?? r.registrar_hostname ?? "",
    zone: r.zone ?? "",
    expires: r.expires,
    until: unix(r.last_registration) + r.expires,
    fresh: 0,
  };
  const { username, realm, device, owner, agent, contact, proxy, node, zone } = shown;
  shown.text = [username, realm, device, owner, agent, shown.address, contact, proxy, node, zone].join("\n").toLowerCase();
  return shown;
};

// How a column sorts: by text in lower case, or by number.
const KEYS = {
  user: (e) => e.key,
  device: (e) => e.device,
  agent: (e) => e.agent.toLowerCase(),
  address: (e) => e.address,
  proxy: (e) => `${e.proxy}\n${e.node}`,
  zone: (e) => e.zone,
  remaining: (e) => e.until,
};

const ENDS = new Set(["unregistered", "expired", "flushed"]);

export class Store {
  constructor(changed) {
    this.all = new Map();
    this.view = [];
    this.words = [];
    this.column = "user";
    this.descending = false;
    this.changed = changed;
    this.due = 0;
  }

  clear() {
    this.all = new Map();
    this.arrange();
  }

  // A list that comes piece by piece, and takes the place of what there was when it is whole. Where
  // there was nothing it shows as it comes.
  stage() {
    const fresh = this.all.size === 0 ? this.all : new Map();
    return {
      add: (registrations) => {
        for (const r of registrations) {
          const made = entry(r);
          fresh.set(made.key, made);
        }
        if (fresh === this.all) this.later();
      },
      done: () => {
        this.all = fresh;
        this.arrange();
      },
    };
  }

  apply(type, registration) {
    const made = entry(registration);
    if (ENDS.has(type)) this.all.delete(made.key);
    else {
      made.fresh = type === "refreshed" ? 0 : performance.now();
      this.all.set(made.key, made);
    }
    this.later();
  }

  search(text) {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.arrange();
  }

  sort(column, descending) {
    this.column = column;
    this.descending = descending;
    this.arrange();
  }

  // Many changes in a moment are one for the eye.
  later() {
    this.due ||= setTimeout(() => this.arrange(), 150);
  }

  arrange() {
    clearTimeout(this.due);
    this.due = 0;
    const { words, descending } = this;
    const key = KEYS[this.column];
    const keyed = [];
    for (const e of this.all.values()) {
      if (words.every((word) => e.text.includes(word))) keyed.push([key(e), e]);
    }
    const sign = descending ? -1 : 1;
    keyed.sort(([a, one], [b, other]) => (a < b ? -sign : a > b ? sign : one.key < other.key ? -1 : 1));
    this.view = keyed.map(([, e]) => e);
    this.changed();
  }

  remaining(e) { return Math.max(0, e.until - now()); }
}
