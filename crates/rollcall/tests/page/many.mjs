// 10,000 rows: node many.mjs BASE TOKEN ACCOUNT COUNT
import { assert, launch, logIn, main, open, until } from "./harness.mjs";

const [base, token, account, count] = process.argv.slice(2);
// The longest that the page may not answer to a hand while it scrolls.
const LONGEST = 200;

// From one end to the other and back, as one that drags the bar; the longest task, in milliseconds.
const sweep = async (page, round) => {
  await page.evaluate(() => { globalThis.tasks.length = 0; });
  const frames = await page.evaluate(() => new Promise((resolve) => {
    const scroller = document.getElementById("scroller");
    const most = scroller.scrollHeight - scroller.clientHeight;
    let frame = 0;
    const step = () => {
      frame += 1;
      scroller.scrollTop = most * (1 - Math.abs(1 - (frame % 120) / 60));
      if (frame < 240) requestAnimationFrame(step);
      else setTimeout(() => resolve(frame), 500);
    };
    step();
  }));
  const tasks = await page.evaluate(() => globalThis.tasks);
  const longest = Math.max(0, ...tasks);
  console.log(`round ${round}: ${count} rows, ${frames} frames of scrolling, ${tasks.length} tasks over 50 ms, the longest ${Math.round(longest)} ms`);
  return longest;
};

main(async () => {
  const browser = await launch();
  const page = await open(browser, base, { secret: token });
  await logIn(page, token, account);
  await page.getByText(`${Number(count).toLocaleString("en")} phones`).waitFor({ timeout: 60_000 });
  await page.evaluate(() => {
    globalThis.tasks = [];
    new PerformanceObserver((list) => globalThis.tasks.push(...list.getEntries().map((task) => task.duration))).observe({ type: "longtask" });
  });
  await page.locator("#scroller").hover();
  const top = () => page.evaluate(() => document.getElementById("scroller").scrollTop);
  for (let step = 0; step < 40; step++) await page.mouse.wheel(0, 900);
  await until("it has scrolled", async () => (await top()) > 10_000);
  // What others do on the same machine must not count: the best of a few rounds does.
  let longest = Infinity;
  for (let round = 1; round <= 3 && longest > LONGEST; round++) longest = Math.min(longest, await sweep(page, round));
  assert(longest <= LONGEST, `no task is longer than ${LONGEST} ms: ${longest}`);
  await page.locator("#scroller").focus();
  await page.keyboard.press("End");
  const last = `user${String(Number(count) - 1).padStart(5, "0")}`;
  await page.getByRole("button", { name: last, exact: true }).waitFor();
  const index = await page.locator(".sizer .row", { hasText: last }).getAttribute("aria-rowindex");
  assert(index === String(Number(count) + 1), `the last row's place is told: ${index}`);
  const shown = await page.locator(".sizer .row").count();
  assert(shown < 60, `only rows in sight are there: ${shown}`);
  await page.getByRole("searchbox").fill(last);
  await page.getByText(`1 of ${Number(count).toLocaleString("en")} phones`).waitFor();
  assert(page.wrong.length === 0, `nothing goes wrong: ${page.wrong}`);
  await browser.close();
});
