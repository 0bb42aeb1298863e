// Pictures of the page for the docs: node shots.mjs BASE TOKEN ACCOUNT FOLDER
import { launch, logIn, main, open, row } from "./harness.mjs";

const [base, token, account, folder] = process.argv.slice(2);

const shot = async (page, name) => {
  await page.waitForTimeout(900);
  await page.screenshot({ path: `${folder}/${name}.png` });
};

main(async () => {
  const browser = await launch();
  for (const [name, options] of Object.entries({
    light: { colorScheme: "light" },
    dark: { colorScheme: "dark" },
    narrow: { colorScheme: "light", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  })) {
    const page = await open(browser, base, options);
    await shot(page, `page-login-${name}`);
    await logIn(page, token, account);
    await page.locator(".sizer .row").first().waitFor();
    await shot(page, `page-account-${name}`);
    await page.locator(".sizer .row .flush").nth(2).click();
    await shot(page, `page-flush-${name}`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator(".sizer .row .name").nth(1).click();
    await shot(page, `page-details-${name}`);
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "System" }).click();
    await page.locator(".bars").first().waitFor();
    await shot(page, `page-system-${name}`);
    if (name !== "narrow") {
      const plot = await page.locator("#events-plot").boundingBox();
      await page.mouse.move(plot.x + plot.width - 30, plot.y + 80);
    }
    for (const wrong of page.wrong) console.log(name, wrong);
    await page.context().close();
  }
  await browser.close();
});
