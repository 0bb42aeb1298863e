// The Registrations API. The token goes in a header only: never in an address, which others log.

const KEY = "rollcall.token";
const GREGORIAN = 62167219200;

export const session = {
  get token() { return sessionStorage.getItem(KEY); },
  set token(token) { token ? sessionStorage.setItem(KEY, token) : sessionStorage.removeItem(KEY); },
};

// By how much the server's clock is ahead of this one's: remaining times are counted by the server's.
let ahead = 0;
export const now = () => Date.now() / 1000 + ahead;
export const unix = (gregorian) => gregorian - GREGORIAN;

export class Failure extends Error {
  constructor(status, body) {
    const data = body?.data ?? {};
    super(typeof data.message === "string" ? data.message : `the server answered ${status}`);
    this.status = status;
    this.cause = data.cause;
  }
}

const headers = (token, more = {}) => ({ "X-Auth-Token": token, ...more });

// Asks; the envelope of a good answer.
export const ask = async (path, { method = "GET", token = session.token, signal } = {}) => {
  let answer;
  try {
    answer = await fetch(path, { method, headers: headers(token, { Accept: "application/json" }), signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, { data: { message: "rollcall cannot be reached" } });
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failure(answer.status, body);
  const said = Date.parse(body.timestamp);
  if (!Number.isNaN(said)) {
    const found = said / 1000 - Date.now() / 1000;
    // The timestamp has whole seconds.
    if (Math.abs(found - ahead) > 1.5) ahead = found;
  }
  return body;
};

export const base = (account) => `/v2/accounts/${encodeURIComponent(account)}/registrations`;

// All of an account's registrations, piece by piece so that no piece keeps the page from being used.
export const list = async (account, signal, take) => {
  let start = "";
  do {
    const page = await ask(`${base(account)}?with_zone=true&page_size=2000${start && `&start_key=${encodeURIComponent(start)}`}`, { signal });
    take(page.data);
    start = page.next_start_key ?? "";
  } while (start);
};

export const flush = (account, username) =>
  ask(username === undefined ? base(account) : `${base(account)}/${encodeURIComponent(username)}`, { method: "DELETE" });

const parse = (block) => {
  const event = { type: "message", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const text = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "event") event.type = text;
    else if (field === "id") event.id = text;
    else if (field === "data") event.data = event.data ? `${event.data}\n${text}` : text;
  }
  return event;
};

// Server-sent events by hand (HTML Living Standard, 9.2): EventSource cannot send a header.
export async function* events(account, lastId, signal) {
  const more = lastId ? { "Last-Event-ID": lastId } : {};
  const answer = await fetch(`${base(account)}/events?with_zone=true`, {
    headers: headers(session.token, { Accept: "text/event-stream", ...more }), signal, cache: "no-store", credentials: "omit",
  });
  if (!answer.ok) throw new Failure(answer.status, await answer.json().catch(() => ({})));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event.data || event.id) yield event;
      }
    }
  } finally {
    // Whoever reads no further must not keep the server telling.
    reader.cancel().catch(() => {});
  }
}
