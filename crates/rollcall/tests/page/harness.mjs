// A browser on the page, and the words between these tests and the one that started the phones.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { PAGE_TESTS: modules } = process.env;
const require = createRequire(`${modules}/package.json`);
const { chromium } = require("playwright-core");
const axePath = require.resolve("axe-core/axe.min.js");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];

export const launch = () => chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: FLAGS });

export const assert = (holds, what) => {
  if (!holds) throw new Error(`it does not hold that ${what}`);
};

export const until = async (what, check, patience = 10_000) => {
  const begun = Date.now();
  for (;;) {
    if (await check()) return Date.now() - begun;
    if (Date.now() - begun > patience) throw new Error(`not within ${patience} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

// Asks the test outside to do something; returns when it is done.
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
export const outside = async (what) => {
  console.log(`DO ${what}`);
  const { value } = await lines.next();
  assert(value === "done", `"${what}" can be done: ${value}`);
};

// A page in a context of its own that tells of whatever goes wrong in it.
export const open = async (browser, base, { secret, ...options } = {}) => {
  const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.wrong = [];
  page.on("pageerror", (error) => page.wrong.push(`error: ${error.stack}`));
  page.on("console", (message) => {
    // That a request failed is for the page to say; a policy that was broken is not.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) page.wrong.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base)) page.wrong.push(`asked elsewhere: ${request.url()}`);
    if (secret && request.url().includes(secret)) page.wrong.push(`the token is in an address: ${request.url()}`);
  });
  await page.goto(base);
  return page;
};

export const logIn = async (page, token, account = "") => {
  await page.getByLabel("Token").fill(token);
  await page.getByLabel("Account ID").first().fill(account);
  await page.getByRole("button", { name: "Log in" }).click();
};

export const row = (page, name) => page.locator(".sizer .row", { has: page.getByRole("button", { name, exact: true }) });

// What axe finds, of any weight, in this state of the page.
export const axe = async (page, what) => {
  // Evaluated by the browser itself, which the page's policy does not concern.
  const { readFileSync } = await import("node:fs");
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(readFileSync(axePath, "utf8"));
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert(passes.length > 10, "axe looked at something");
  const found = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} (${node.failureSummary})`).join("; ")}`);
  console.log(`axe, ${what}: ${passes.length} rules passed, ${violations.length} failed`);
  assert(found.length === 0, `axe finds nothing in ${what}:\n${found.join("\n")}`);
};

export const main = (run) => run().then(() => process.exit(0), (error) => {
  console.error(error.stack ?? error);
  process.exit(1);
});
