// The status page in a real browser: what it shows, by the keyboard alone, live. STORAGE_PROFILES_SCREENSHOTS=1 takes those of docs/.

import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { chromium, type Browser, type Page } from "playwright-core";

import { browser } from "../support/browser";
import { ask, ControlProject, until, type Service } from "../support/control";
import { describeIf } from "../support/machine";

jest.setTimeout(180_000);

const docs = resolve(__dirname, "../../docs");
const { path, reason } = browser();

const FILE = `config:
  aws:region: us-east-1
  storage-profiles:backend: local
  storage-profiles:deletionProtection: false
  storage-profiles:profiles:
    analytics: { extends: gold, description: "Scans, many and wide", aws: { iops: { perGiB: 10 } }, local: { iops: 4000 } }
    archive: { description: Cheap and slow, aws: { volumeType: st1 }, local: { iops: 200 } }
  storage-profiles:prices: { local: { perGiB: 0.05, currency: EUR, source: "the disks of this machine", date: "2026-11-01" } }
  storage-profiles:volumes:
    orders: { profile: gold, sizeGiB: 20 }
    reports: { profile: analytics, sizeGiB: 40 }
    scratch: { sizeGiB: 8 }
`;

describeIf(path !== undefined, "the status page, in Chromium", reason, () => {
  const project = new ControlProject("page");
  const wait = () => join(project.directory, "wait");
  let service: Service;
  let chrome: Browser;
  let page: Page;
  const complaints: string[] = [];
  const shot = async (name: string) => {
    if (process.env["STORAGE_PROFILES_SCREENSHOTS"]) await page.screenshot({ path: join(docs, name), fullPage: true });
  };
  const row = (table: string, name: string) =>
    page.locator(`${table} tr`, { has: page.locator("th", { hasText: new RegExp(`^${name}`) }) });

  beforeAll(async () => {
    await project.prepared(FILE);
    service = await project.startService();
    chrome = await chromium.launch({ executablePath: path ?? "", args: ["--no-sandbox"] });
    page = await chrome.newPage({ viewport: { width: 1280, height: 900 } });
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(service.url);
  });
  afterAll(async () => {
    await chrome.close();
    await project.dispose();
  });

  test("shows profiles on each backend at the size that is asked for, with what isn't possible and why", async () => {
    await row("#profile-table", "gold").waitFor();
    const gold = await row("#profile-table", "gold").innerText();
    expect(gold).toContain("volumeType io1");
    expect(gold).toContain("iops 3,000");
    await page.getByLabel("Size").fill("20");
    await page.keyboard.press("Tab");
    await until(async () => (await row("#profile-table", "gold").innerText()).includes("iops 600"), 10);
    expect(await row("#profile-table", "archive").innerText()).toContain("Not possible");
  });

  test("has landmarks, a caption and scopes for each table, and a name for each control", async () => {
    const found = await page.evaluate(`(() => {
      const all = (selector) => [...document.querySelectorAll(selector)];
      const named = (each) => each.labels?.length > 0 || each.textContent.trim() !== "" || each.hasAttribute("aria-label");
      return {
        landmarks: ["header", "nav", "main", "footer"].map((each) => all(each).length),
        headings: all("h1").length,
        tablesWithout: all("table").filter((table) => !table.querySelector("caption")).length,
        cellsWithout: all("th").filter((cell) => !cell.hasAttribute("scope")).length,
        unnamed: all("input, select, textarea, button").filter((each) => !named(each)).map(({ id }) => id),
        lang: document.documentElement.lang,
      };
    })()`);
    expect(found).toEqual({
      landmarks: [1, 1, 1, 1],
      headings: 1,
      tablesWithout: 0,
      cellsWithout: 0,
      unnamed: [],
      lang: "en",
    });
  });

  test.each(["light", "dark"] as const)("every text stands out from its ground, in %s colours", async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    // By WCAG 2: at least 4.5 to 1.
    const faint = await page.evaluate(String.raw`(() => {
      const parse = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
      const part = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
      const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
      const ground = (element) => {
        if (!element) return [255, 255, 255];
        const colour = parse(getComputedStyle(element).backgroundColor);
        return colour.length === 4 && colour[3] === 0 ? ground(element.parentElement) : colour;
      };
      const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
      return [...document.querySelectorAll("main *, header *")]
        .filter((element) => hasText(element) && !element.matches(":disabled, noscript"))
        .flatMap((element) => {
          const [more, less] = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
          const contrast = (more + 0.05) / (less + 0.05);
          return contrast < 4.5 ? [element.tagName + " " + element.textContent.slice(0, 20) + " " + contrast.toFixed(2)] : [];
        });
    })()`);
    expect(faint).toEqual([]);
  });

  test("applies by the keyboard, and shows the operation live, until the volumes are compliant", async () => {
    await page.emulateMedia({ colorScheme: "light" });
    writeFileSync(wait(), "");
    await page.getByLabel("Name or profile").focus();
    // Past the status filter; the button is next.
    for (let i = 0; i < 2; i++) await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.id")).toBe("apply-all");
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    await page.keyboard.press("Enter");
    const operation = page.locator(".operation").first();
    await operation.locator(".status", { hasText: "running" }).waitFor();
    await operation
      .getByText(/ProfiledVolume orders: create/)
      .first()
      .waitFor({ timeout: 60_000 });
    await shot("page-operation.png");
    rmSync(wait());
    await operation.locator(".status", { hasText: "succeeded" }).waitFor({ timeout: 60_000 });
    await until(async () => (await page.locator("#counts").innerText()).includes("3 ✓ compliant"), 20);
    expect(await row("#cost-sum", "All").innerText()).toMatch(/All\s+3\s+68/);
  });

  test("says what an edit would touch, writes it when told to, and then the volume is out of date", async () => {
    await page.getByRole("combobox", { name: "Profile" }).fill("analytics");
    const text = page.getByLabel("Definition, as JSON");
    expect(JSON.parse(await text.inputValue())).toMatchObject({ extends: "gold", local: { iops: 4000 } });
    await text.fill('{ "extends": "gold", "local": { "iops": 6000 } }');
    await page.getByRole("button", { name: "Try it out" }).click();
    await page.getByText("It would touch 1 volume.").waitFor();
    expect(await row("#edit-result", "reports").innerText()).toContain("in-place");
    await shot("page.png");
    await page.getByRole("button", { name: "Write it" }).click();
    await page.getByText("its volumes are out of date until they are applied").waitFor();
    expect(await row("#volume-rows", "reports").innerText()).toContain("out-of-date");
  });

  test("tells a mistake with its place and what to do, and a file that was edited meanwhile", async () => {
    await page.getByLabel("Definition, as JSON").fill('{ "lokal": {} }');
    await page.getByRole("button", { name: "Try it out" }).click();
    await page.getByText('did you mean "local"?').waitFor();
    expect(complaints.filter((each) => !each.includes("400"))).toEqual([]);
    complaints.length = 0;
    expect((await ask(service.url, "/v1/configuration/problems")).body).toEqual([]);
  });
});
