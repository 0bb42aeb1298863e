// A person's way through the page, on the real stack: node journey.mjs BASE TOKEN ACCOUNT REALM
import { assert, axe, launch, logIn, main, open, outside, row, until } from "./harness.mjs";

const [base, token, account, realm] = process.argv.slice(2);
// What a phone may take from its 200 until a person sees it.
const SECOND = 1000;

const sees = async (page, what, name) => {
  const took = await until(`${name} is seen`, () => row(page, name).isVisible(), SECOND);
  console.log(`${what}: seen after ${took} ms`);
};
const gone = (page, name) => until(`${name} is gone`, async () => (await row(page, name).count()) === 0);
const dialog = (page) => page.getByRole("dialog");

const loggingIn = async (page) => {
  await logIn(page, "wrong", account);
  await page.getByText("Nobody knows this token.").waitFor();
  await logIn(page, token, "abc");
  await page.getByText("An account ID is 32 digits").waitFor();
  await logIn(page, token, "f".repeat(32));
  await page.getByText("There is no such account").waitFor();
  await logIn(page, token, account);
  await row(page, "user001").waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  assert((await page.evaluate(() => localStorage.length)) === 0, "nothing outlives the tab");
};

const searching = async (page) => {
  await page.keyboard.press("/");
  await page.keyboard.type(`user002 ${realm.toUpperCase()}`);
  await page.getByText("1 of 2 phones").waitFor();
  // The rows are drawn a frame after the number is told.
  await until("only what matches is shown", async () => (await page.locator(".sizer .row").count()) === 1);
  await page.keyboard.press("Control+a");
  await page.keyboard.type("no such phone");
  await page.getByText("No phone matches the search.").waitFor();
  await page.getByRole("searchbox").fill("");
  await page.getByText("2 phones", { exact: true }).waitFor();
};

const sorting = async (page) => {
  const names = async () => page.locator(".sizer .row").evaluateAll((rows) =>
    rows.sort((a, b) => a.getAttribute("aria-rowindex") - b.getAttribute("aria-rowindex")).map((r) => r.querySelector(".name").textContent));
  const head = page.getByRole("columnheader", { name: "User", exact: true });
  assert((await head.getAttribute("aria-sort")) === "ascending", "the order is told");
  await head.getByRole("button").click();
  await until("the order is reversed", async () => (await names()).join() === "user002,user001");
  await head.getByRole("button").click();
  await until("the order is as before", async () => (await names()).join() === "user001,user002");
};

const withoutMouse = async (page) => {
  await row(page, "user001").getByRole("button", { name: "Flush" }).focus();
  await page.keyboard.press("ArrowDown");
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  assert((await focused()) === `Flush user002@${realm}`, "the arrow leads to the next row");
  await page.keyboard.press("Enter");
  await page.getByText(`Flush user002@${realm}?`).waitFor();
  assert((await page.evaluate(() => document.activeElement.textContent)) === "Cancel", "Cancel has the focus");
  await page.keyboard.press("Escape");
  await dialog(page).waitFor({ state: "hidden" });
  assert(await row(page, "user002").isVisible(), "Escape flushes nothing");
  assert((await focused()) === `Flush user002@${realm}`, "the focus is where it was");
};

const details = async (page) => {
  await row(page, "user002").getByRole("button", { name: "user002", exact: true }).click();
  for (const text of [`user002@${realm}`, "registrar node", "<img src=x onerror=document.title=1>"]) await dialog(page).getByText(text).first().waitFor();
  await page.getByRole("button", { name: "Close" }).click();
};

const flushingOne = async (page) => {
  await outside("settle 2");
  await row(page, "user002").getByRole("button", { name: "Flush" }).click();
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  await outside("holds 2");
  await row(page, "user002").getByRole("button", { name: "Flush" }).click();
  await dialog(page).getByRole("button", { name: "Flush" }).click();
  await gone(page, "user002");
  await outside("holds 1");
  assert(await row(page, "user001").isVisible(), "no other is flushed");
  await outside("register 2");
  await sees(page, "a phone that comes back", "user002");
};

const system = async (page) => {
  await page.getByRole("link", { name: "System" }).click();
  await page.getByText("Zone local").waitFor();
  await page.locator(".tile", { hasText: "Registrations" }).getByText("2", { exact: true }).waitFor();
  await page.locator("#agents").getByText("labphone").waitFor();
  await until("the plots are there", async () => (await page.getByRole("img", { name: /in the last/ }).count()) === 2);
  await page.locator("#accounts").getByRole("link").click();
  await row(page, "user001").waitFor();
};

const flushingAll = async (page) => {
  await outside("settle 2");
  await page.getByRole("button", { name: "Flush all …" }).click();
  await dialog(page).getByRole("button", { name: "Flush all 2 phones" }).click();
  await page.getByText("No phone of this account is registered.").waitFor();
  await outside("holds 0");
  await outside("register 1");
  await sees(page, "a phone after all were flushed", "user001");
};

// The node goes away and comes back: so does the page.
const outage = async (page) => {
  await outside("restart");
  await page.getByText("Live", { exact: true }).waitFor();
  await outside("register 2");
  await row(page, "user002").waitFor();
};

// In light and dark, wide and narrow, wherever one can be.
const everywhere = async (browser) => {
  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { colorScheme: "light", viewport: { width: 360, height: 740 } }, { colorScheme: "dark", viewport: { width: 360, height: 740 } }]) {
    const page = await open(browser, base, { ...options, reducedMotion: "reduce" });
    const place = (view) => `${view}, ${options.colorScheme}, ${options.viewport?.width ?? "wide"}`;
    const look = async (view) => {
      await axe(page, place(view));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert(wide <= 0, `${place(view)} needs no scrolling sideways: ${wide}`);
    };
    await look("login");
    await logIn(page, token, account);
    await row(page, "user001").waitFor();
    await look("account");
    await row(page, "user001").getByRole("button", { name: "Flush" }).click();
    await look("question");
    await page.getByRole("button", { name: "Cancel" }).click();
    await row(page, "user001").locator(".name").click();
    await look("details");
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "System" }).click();
    await page.locator(".bars").first().waitFor();
    await look("system");
    assert(page.wrong.length === 0, `nothing goes wrong: ${page.wrong}`);
    await page.context().close();
  }
};

main(async () => {
  const browser = await launch();
  const page = await open(browser, base, { secret: token });
  await loggingIn(page);
  await outside("register 2");
  await sees(page, "a phone that registers", "user002");
  await searching(page);
  await sorting(page);
  await withoutMouse(page);
  await details(page);
  await flushingOne(page);
  await system(page);
  await flushingAll(page);
  await outage(page);
  assert((await page.title()).includes("rollcall"), "no text of a phone's ran as a script");
  assert(page.wrong.length === 0, `nothing goes wrong: ${page.wrong}`);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Token").waitFor();
  assert((await page.evaluate(() => sessionStorage.length)) === 0, "logging out forgets the token");
  await page.context().close();
  await everywhere(browser);
  await browser.close();
});
