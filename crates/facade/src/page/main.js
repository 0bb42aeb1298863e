// Logging in, and which view is shown.
import * as account from "/page/account.js";
import { ask, session } from "/page/api.js";
import { closeAll } from "/page/dialogs.js";
import { byId, notice, say } from "/page/dom.js";
import * as system from "/page/system.js";

const ID = /^[0-9a-f]{32}$/;
const KEPT = "rollcall.account";

// Whether the token may see all accounts; found out when one logs in.
let all = false;
let last = "";

// Kazoo's tokens say whose they are. What they say is only a suggestion here.
const accountOf = (token) => {
  try {
    const claims = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const { account_id: id } = JSON.parse(atob(claims));
    return ID.test(id) ? id : "";
  } catch {
    return "";
  }
};

const views = ["login", "account", "system"];

const show = (view, title) => {
  for (const id of views) byId(id).hidden = id !== view;
  document.title = title ? `${title} · rollcall` : "rollcall";
  const inside = view !== "login";
  byId("nav").hidden = !inside;
  byId("logout").hidden = !inside;
  byId("to-system").hidden = !all;
  byId("to-account").hidden = !last;
  byId("to-account").setAttribute("href", `#account/${last}`);
  for (const [link, own] of [["to-system", "system"], ["to-account", "account"]]) {
    if (view === own) byId(link).setAttribute("aria-current", "page");
    else byId(link).removeAttribute("aria-current");
  }
  document.body.dataset.view = view;
};

const leave = (why = "") => {
  session.token = null;
  all = false;
  last = "";
  sessionStorage.removeItem(KEPT);
  account.close();
  system.close();
  closeAll();
  show("login");
  say(byId("login-error"), why);
  byId("token").focus();
};

const ended = (error) => {
  if (error.status === 401) return leave("The token is good no more: log in again.");
  notice(error.status === 404 ? "There is no such account, or nobody was ever registered in it." : error.message, "bad");
  last = "";
  if (all) location.hash = "#system";
  else leave(error.message);
};

const route = () => {
  if (!session.token) return show("login");
  const [view, id = ""] = location.hash.slice(1).split("/");
  if (view === "account" && ID.test(id)) {
    last = id;
    sessionStorage.setItem(KEPT, id);
    system.close();
    show("account", "Registrations");
    account.open(id, ended);
  } else if (all) {
    account.close();
    show("system", "All accounts");
    system.open(ended);
  } else if (last) location.replace(`#account/${last}`);
  else leave();
};

const seesAll = async (token) => {
  try {
    await ask("/v2/registrations/summary", { token });
    return true;
  } catch (error) {
    if (error.status === 401 || error.status === 403) return false;
    throw error;
  }
};

// What keeps the token from being used; nothing if it can be.
const logIn = async (token, id) => {
  if (!token) return "A token is needed.";
  if (id && !ID.test(id)) return "An account ID is 32 digits from 0 to 9 and a to f.";
  try {
    all = await seesAll(token);
    if (!id && !all) return "This token is not for all accounts: an account ID is needed.";
    if (id) await account.check(id, token);
  } catch (error) {
    if (error.status === 401) return "Nobody knows this token.";
    if (error.status === 403) return "This token has no right to this account.";
    if (error.status === 404) return "There is no such account, or nobody was ever registered in it.";
    return `Logging in failed: ${error.message}.`;
  }
  session.token = token;
  last = id;
  return "";
};

byId("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  const token = byId("token").value.trim();
  const id = byId("account-id").value.trim().toLowerCase() || accountOf(token);
  button.disabled = true;
  const error = await logIn(token, id);
  button.disabled = false;
  say(byId("login-error"), error);
  byId("token").setAttribute("aria-invalid", Boolean(error));
  if (error) return;
  byId("token").value = "";
  const wanted = id ? `#account/${id}` : "#system";
  if (location.hash === wanted) route();
  else location.hash = wanted;
  byId("content").focus({ preventScroll: true });
});

byId("token").addEventListener("change", (event) => {
  const id = accountOf(event.target.value.trim());
  if (id && !byId("account-id").value) byId("account-id").value = id;
});

byId("open-account").addEventListener("submit", async (event) => {
  event.preventDefault();
  const id = byId("open-id").value.trim().toLowerCase();
  let error = ID.test(id) ? "" : "An account ID is 32 digits from 0 to 9 and a to f.";
  if (!error) {
    try {
      await account.check(id, session.token);
    } catch (failure) {
      error = failure.status === 404 ? "There is no such account, or nobody was ever registered in it." : failure.message;
    }
  }
  say(byId("open-error"), error);
  if (!error) location.hash = `#account/${id}`;
});

byId("logout").addEventListener("click", () => {
  leave();
  history.replaceState(null, "", "#");
});
addEventListener("hashchange", route);

const start = async () => {
  const token = session.token;
  if (!token) return show("login");
  const kept = sessionStorage.getItem(KEPT) ?? "";
  last = ID.test(kept) ? kept : "";
  try {
    all = await seesAll(token);
  } catch {
    // It may be back when it is asked again.
    all = false;
  }
  route();
};

start();
