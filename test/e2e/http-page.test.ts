// The status page in a real browser, over the real service; only the engine is a stand-in (test/support/page.ts).

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Browser, BrowserContext, Page } from "playwright-core";

import { backendNames } from "../../src";
import { makeToken } from "../../src/http/tokens";
import { limitMs, until } from "../../tools/test/time.js";
import { findBrowser, startBrowser } from "../support/browser";
import { ask, HttpProject } from "../support/http";
import { describeIf } from "../support/machine";
import { openLab, type Lab } from "../support/page";

const CONFIG = `# The shop's volumes
config:
  aws:region: us-east-1
  storage-profiles:backend: aws
  storage-profiles:aws: { availabilityZone: us-east-1a }
  storage-profiles:scaleio: { protectionDomain: rack1, storagePool: ssd }
  storage-profiles:profiles:
    # Until the new disks are here
    archive: { description: Old orders, aws: { volumeType: sc1, encrypted: true } }
    orders: { description: The shop's database, extends: gold, aws: { iops: { perGiB: 20 } } }
  storage-profiles:volumes:
    catalog: { profile: silver, sizeGiB: 200 }
    data: { profile: orders, sizeGiB: 100 }
    exports: { profile: archive, sizeGiB: 2000 }
    journal: { profile: gold, sizeGiB: 50 }
    media: { profile: bronze, sizeGiB: 500 }
    metrics: { profile: silver, sizeGiB: 64, backend: scaleio }
    search: { profile: silver, sizeGiB: 120 }
    sessions: { sizeGiB: 8 }
`;

const browserFound = findBrowser();
const path = "path" in browserFound ? browserFound.path : "";

describeIf(path !== "", "the status page", "reason" in browserFound ? browserFound.reason : undefined, () => {
  let browser: Browser;
  let context: BrowserContext | undefined;
  let page: Page;
  let lab: Lab;
  /** Take away what the page looks at. */
  let closes: (() => unknown)[];
  /** What the browser complained about: scripts that failed, files that are missing, what the policy kept out. */
  let complaints: string[];

  beforeAll(async () => void (browser = await startBrowser(path)));
  beforeEach(() => {
    closes = [];
    complaints = [];
  });
  afterEach(async () => {
    const opened = context;
    context = undefined;
    for (const close of [() => opened?.close(), ...closes]) await close();
    expect(complaints).toEqual([]);
  });
  afterAll(() => browser.close());

  async function labOf(...args: Parameters<typeof openLab>): Promise<Lab> {
    const made = await openLab(...args);
    closes.push(() => made.close());
    return made;
  }

  async function open(
    settings: Parameters<Browser["newContext"]>[0] = {},
    { clock = false, url = "" } = {},
  ): Promise<void> {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: "UTC", ...settings });
    context.setDefaultTimeout(limitMs(60));
    page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      // An answer that says no is told to people by the page; Chromium notes it besides.
      if (message.type() === "error" && !message.text().includes("Failed to load resource"))
        complaints.push(message.text());
    });
    if (clock) await page.clock.install();
    await page.goto(url || lab.url);
  }

  /** A lab in which volumes stand in every way. */
  async function mixed(): Promise<void> {
    lab = await labOf(CONFIG);
    await lab.setState({
      data: { got: { settings: { iops: 3000 } } },
      exports: { missing: true },
      journal: { has: { settings: { iops: 900 } } },
      search: { unfinished: true },
    });
  }

  /** All is there that is read at the beginning, and nothing moves any more. */
  const loaded = async () => {
    await section("Volumes").getByRole("row").first().waitFor();
    await section("Cost by profile").getByRole("row").first().waitFor();
    await section("Profiles by backend").getByRole("columnheader", { name: "aws" }).waitFor();
  };
  /** So many runs of the engine have begun. */
  const begun = (count: number) => until(`${count} runs of the engine`, () => lab.runs().length === count);
  const row = (name: string) => page.getByRole("row", { name: new RegExp(`^${name} `) });
  const section = (name: string) => page.getByRole("region", { name });
  /** The pictures in docs/ are made where SCREENSHOTS says: `SCREENSHOTS=docs node tools/test/run.js test/e2e/http-page.test.ts`. */
  const shot = async (name: string, at?: string) => {
    const folder = process.env["SCREENSHOTS"];
    if (!folder) return;
    await page.evaluate(at === undefined ? "scrollTo(0, 0)" : `document.querySelector("${at}").scrollIntoView()`);
    await page.screenshot({ path: join(folder, `${name}.png`) });
  };

  const event = (op: string, name: string) => ({
    metadata: { op, urn: `urn:pulumi:dev::shop::storage-profiles:index:ProfiledVolume$aws:ebs/volume:Volume::${name}` },
  });
  test("volumes are shown with their status and its cause, what the next apply does, and their cost", async () => {
    await mixed();
    await open();
    const texts = (name: string) => row(name).getByRole("cell").allInnerTexts();
    await row("data").waitFor();
    expect(await texts("data")).toEqual([
      expect.stringMatching(/^out of date\s+profile "orders" changed since/),
      "orders",
      "100 GiB",
      "aws",
      expect.stringMatching(/^update in place\s+iops: 3,000 IOPS → 2,000 IOPS$/),
      "207.50 USD",
    ]);
    expect(await texts("journal")).toEqual(
      expect.arrayContaining([expect.stringMatching(/^non-compliant\s+.*iops is 900 IOPS, expected 1,500 IOPS/)]),
    );
    expect((await texts("search"))[0]).toMatch(/^unknown\s/);
    expect(await page.locator("#summary").innerText()).toMatch(
      /^4 of 8 volumes need an apply\s*·?\s*[\d.,]+ → [\d.,]+ USD a month, cost of 1 volume unknown\s*·?\s*1 non-compliant$/,
    );
    expect((await texts("exports")).slice(4)).toEqual(["create", expect.stringMatching(/^30\.00 USD\s+once created$/)]);
    expect((await texts("media"))[0]).toBe("compliant");
    // Those first that need somebody.
    const names = await section("Volumes")
      .locator("tbody tr")
      .evaluateAll((rows) => rows.map((each: any) => each.dataset.row));
    expect(names).toEqual(["journal", "data", "exports", "search", "catalog", "media", "metrics", "sessions"]);

    await row("data").locator("summary").click();
    expect(await row("data").locator("dl").innerText()).toMatch(/protected against deletion\s+yes/);
    await page.getByLabel("Find a volume").fill("silver aws");
    await page.getByText("2 of 8 volumes").waitFor();
    expect(await section("Volumes").locator("tbody tr").count()).toBe(2);
    await page.getByLabel("Find a volume").fill("");
    await page.getByRole("button", { name: /^not created yet/ }).click();
    expect(await section("Volumes").locator("tbody tr").count()).toBe(1);
    expect(await texts("exports")).toEqual(
      expect.arrayContaining([expect.stringMatching(/^not created yet$/), "create"]),
    );
    expect(await page.getByRole("button", { name: /^not created yet/ }).getAttribute("aria-pressed")).toBe("true");

    const silver = section("Cost by profile").getByRole("row", { name: /^silver/ });
    // Two volumes on aws; what the third one costs on our own array nobody said.
    expect(await silver.getByRole("cell").allInnerTexts()).toEqual([
      "3",
      "384",
      expect.stringMatching(/^35\.60 USD\s+1 unknown$/),
      expect.stringMatching(/%$/),
    ]);
  });

  test("a pinned volume says so beside its profile", async () => {
    lab = await labOf(
      `${CONFIG}  storage-profiles:pins: { journal@gold: { aws: { volumeType: gp3, iops: 4000, throughputMiBps: 250 } } }\n`,
    );
    await lab.setState();
    await open();
    await row("journal").waitFor();
    expect((await row("journal").getByRole("cell").allInnerTexts())[1]).toMatch(/^gold\s+pinned$/);
    expect((await row("search").getByRole("cell").allInnerTexts())[1]).toBe("silver");
  });

  test("what the profiles become on each backend follows the size, with problems and their fix", async () => {
    await mixed();
    await open();
    const profiles = section("Profiles by backend");
    const gold = profiles.getByRole("row", { name: /^gold/ });
    await gold.getByText("io1", { exact: true }).waitFor();
    const headings = await profiles.getByRole("columnheader").allInnerTexts();
    expect(headings).toEqual(["Profile", ...backendNames]);
    expect(await gold.getByRole("cell").first().innerText()).toMatch(/^207\.50 USD per month|iops 3,000/);
    const archive = profiles.getByRole("row", { name: /^archive/ });
    expect(await archive.innerText()).toMatch(
      /sc1 volumes must be at least 125 GiB, not 100 GiB.*Allowed: 125 to 16,384 GiB.*Fix: /s,
    );
    // On all but EBS, and Kubernetes, whose volumes may be those of EBS.
    expect(await archive.getByText("not available on this backend").count()).toBe(backendNames.length - 2);

    const size = page.getByLabel("Volume size, in GiB");
    await size.fill("500");
    await size.press("Enter");
    await archive.getByText("sc1", { exact: true }).waitFor();
    expect(await gold.getByRole("cell").first().innerText()).toMatch(/iops\s+15,000/);
    await size.fill("-1");
    await size.press("Enter");
    expect(await page.getByRole("alert").filter({ hasText: "greater than 0" }).innerText()).toContain(
      "for example 100",
    );
    expect(await size.getAttribute("aria-invalid")).toBe("true");
  });

  test("an edit: what it would touch, then saved and not yet applied, then applied while one looks on", async () => {
    await mixed();
    await lab.setState(); // all is as it is declared
    await open();
    await loaded();
    await page.getByRole("button", { name: "Edit silver" }).click();
    const text = page.getByLabel("Definition, in YAML");
    expect(await text.evaluate((each: any) => each === each.ownerDocument.activeElement)).toBe(true);

    // All that the built-in profile says is shown; only what is made of it is written.
    const shown = await text.inputValue();
    const ask = async (definition: string) => {
      await text.fill(definition);
      await page.getByRole("button", { name: "Preview", exact: true }).click();
      await page.locator("#edit-result > *").first().waitFor();
      return page.locator("#edit-result").innerText();
    };
    expect(await ask("aws:\n  iops: [1")).toMatch(/^Invalid YAML: .* at line 2, column \d+\.$/);
    expect(await ask("aws")).toMatch(/must be a mapping/);
    const misspelt = await ask("aws:\n  throughput: 3\ncolor: blue");
    expect(misspelt).toMatch(/unknown key "throughput".*unknown key "color"/s);
    const refused = await ask('{ "extends": "bronse", "aws": { "iops": 1 } }');
    expect(refused).toMatch(/^Invalid profile: nothing will be saved\..*did you mean "bronze"\?/s);
    expect(await page.getByRole("button", { name: "Save" }).count()).toBe(0);

    const better = shown.replace("iops: 3000", "iops: 6000");
    const would = await ask(better);
    expect(would).toMatch(/Affects 2 volumes\./);
    expect(would).toMatch(/catalog.*update in place.*iops: 3,000 IOPS → 6,000 IOPS.*21\.00 USD.*36\.00 USD/s);
    expect(would).toMatch(/\+ .*silver.*6000/);
    expect((await lab.stack.readConfig()).ownProfiles).toEqual(["archive", "orders"]); // looking writes nothing
    await page.setViewportSize({ width: 1000, height: 700 });
    await shot("status-page-edit", "#edit-form .actions");

    await page.getByLabel("Reason (optional)").fill("OPS-12: more & faster");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("not applied yet.").waitFor();
    const audit = readFileSync(join(lab.directory, "audit.jsonl"), "utf8");
    expect(audit).toMatch(/"query":\{[^}]*"reason":"OPS-12: more & faster"/);
    expect((await lab.stack.readConfig()).config.profiles?.["silver"]).toEqual({
      extends: "silver",
      aws: { iops: 6000 },
    });
    await row("search").getByText("out of date").waitFor();
    expect(lab.runs()).toEqual([]);

    await lab.setState({}, "after");
    await page.getByRole("button", { name: "Apply to 2 volumes", exact: true }).click();
    const operation = page.getByRole("article", { name: /^Apply/ });
    await begun(1);
    expect(lab.runs()[0]?.join(" ")).toMatch(/^up .*::catalog .*::search /);
    // Each row says what is being done to it, while it is done.
    await row("search").getByText("waiting", { exact: true }).waitFor();
    await page.locator("#summary").getByText("apply running").waitFor();
    expect(await page.locator("#summary").innerText()).toMatch(/2 of 8 volumes in progress.*→/s);
    expect(await page.getByRole("button", { name: "Apply…" }).isDisabled()).toBe(true);
    lab.say({ resourcePreEvent: event("update", "catalog") });
    await operation.getByText("catalog: update of Volume catalog started").waitFor();
    await row("catalog").getByText("update in progress", { exact: true }).waitFor();
    expect(await operation.locator("h3").innerText()).toMatch(/^Apply: catalog, search\s+running$/);
    expect(await operation.getByRole("log").count()).toBe(1);
    lab.say({ resOutputsEvent: event("update", "catalog") });
    await row("catalog").getByText("update done", { exact: true }).waitFor();
    lab.say({ diagnosticEvent: { message: "EC2 is slow today", severity: "warning" } });
    lab.say({ summaryEvent: { resourceChanges: { update: 2 }, durationSeconds: 3 } });
    lab.end();
    await operation.getByText("succeeded", { exact: true }).first().waitFor();
    expect(await operation.innerText()).toMatch(/warning: EC2 is slow today/);
    await operation.getByText(/2 update/).waitFor();
    await row("search").getByText("compliant", { exact: true }).waitFor();
    await row("search").getByText("waiting", { exact: true }).waitFor({ state: "detached" });
    expect(await page.locator("#summary").innerText()).toMatch(/^All 8 volumes are compliant/);
    expect(await page.locator("#announcer").textContent()).toMatch(/succeeded/);
  });

  test("a file that was edited by hand meanwhile: nothing is written, and what was typed is still there", async () => {
    await mixed();
    await open();
    await loaded();
    await page.getByRole("button", { name: "Edit bronze" }).click();
    const text = page.getByLabel("Definition, in YAML");
    const typed = '{ "extends": "bronze", "aws": { "iops": 4000 } }';
    await text.fill(typed);
    // The next step, and nothing else, is the primary button.
    const primary = () =>
      page.evaluate(`[...document.querySelectorAll("#edit button")]
        .filter((each) => getComputedStyle(each).backgroundColor !== getComputedStyle(document.querySelector("#edit-reset")).backgroundColor)
        .map((each) => each.textContent)`);
    expect(await primary()).toEqual(["Preview"]);
    await page.getByRole("button", { name: "Preview", exact: true }).click();
    await page.getByRole("button", { name: "Save" }).waitFor();
    expect(await primary()).toEqual(["Save"]);
    const byHand = CONFIG.replace("sizeGiB: 8 ", "sizeGiB: 9 ");
    writeFileSync(lab.stack.configFile, byHand);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Nothing was saved.").waitFor();
    expect(readFileSync(lab.stack.configFile, "utf8")).toBe(byHand);
    expect(await text.inputValue()).toBe(typed);
    // Looked at again, it can be saved: with the other's edit.
    await page.getByRole("button", { name: "Preview", exact: true }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("not applied yet.").waitFor();
    expect(readFileSync(lab.stack.configFile, "utf8")).toMatch(/bronze.*\n(.*\n)*.*sizeGiB: 9 /);
  });

  test("apply asks first; cancelled; the service killed in the middle: interrupted, then resumed", async () => {
    await mixed();
    await open();
    await loaded();
    await page.getByRole("button", { name: "Apply to 4 volumes…" }).click();
    const dialog = page.getByRole("dialog", { name: "Apply to 4 volumes?" });
    const asked = (name: string) =>
      dialog
        .getByRole("row", { name: new RegExp(`^${name}`) })
        .getByRole("cell")
        .allInnerTexts();
    expect(await asked("exports")).toEqual(["create", "–", "30.00 USD"]);
    expect(await asked("data")).toEqual([
      expect.stringMatching(/^update in place\s+iops: 3,000 IOPS → 2,000 IOPS\s/),
      "207.50 USD",
      "142.50 USD",
    ]);
    expect(await dialog.innerText()).toMatch(/data\s+orders, 100 GiB/);
    expect(await dialog.innerText()).toMatch(/Monthly cost of these volumes: [\d.,]+ USD now, [\d.,]+ USD after/);
    await page.keyboard.press("Escape");
    expect(await dialog.count()).toBe(0);
    expect(lab.runs()).toEqual([]);

    await page.getByRole("button", { name: "Apply to 4 volumes…" }).click();
    await dialog.getByRole("button", { name: "Apply" }).click();
    const operations = section("Operations").getByRole("article");
    await begun(1);
    expect(lab.runs()[0]).toContain("--refresh"); // one of them was changed behind our back
    // The list that is read when this one has ended comes only after the next one has begun, which it can't know.
    let held: (() => void) | undefined;
    let isTold = false;
    await page.route("**/v1/operations", async (route) => {
      if (route.request().method() !== "GET" || held) return route.continue();
      const response = await route.fetch();
      await new Promise<void>((release) => (held = release));
      await route.fulfill({ response });
      isTold = true;
    });
    await operations
      .first()
      .getByRole("button", { name: /^Cancel/ })
      .click();
    await operations.first().getByText("cancelled", { exact: true }).first().waitFor();

    await operations
      .first()
      .getByRole("button", { name: /^Resume/ })
      .click();
    await begun(2);
    await until("the list of operations is held back", () => held !== undefined);
    held?.();
    await until("the list of operations is told", () => isTold);
    await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 50)))");
    expect(await operations.count()).toBe(2);
    const running = operations.first();
    await running.getByText("running", { exact: true }).first().waitFor();
    lab.say({ resourcePreEvent: event("update", "data") });
    await running.getByText("data: update of Volume data started").waitFor();
    for (const [width, height] of [
      [1440, 900],
      [1024, 768],
      [375, 812],
    ] as const) {
      await page.setViewportSize({ width, height });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await shot(`status-page-${width}-${colorScheme}`);
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
    await lab.kill();
    await page.getByRole("button", { name: "Reload" }).click();
    await page.getByRole("alert").getByText("can't be reached").waitFor();
    expect(await row("data").count()).toBe(1); // what was known is still shown
    lab.end(1); // the engine that lived on
    await lab.start();
    await page.getByRole("button", { name: "Reload" }).click();
    await running.getByText("interrupted", { exact: true }).first().waitFor();
    await page.locator("#trouble:empty").waitFor({ state: "attached" });
    await lab.setState({}, "after");
    await running.getByRole("button", { name: /^Resume/ }).click();
    await begun(3);
    lab.end();
    await operations.first().getByText("succeeded", { exact: true }).first().waitFor();
    await row("data").getByText("compliant", { exact: true }).waitFor();
  });

  test("what changes elsewhere shows by itself: one request for each section, and none while nobody looks", async () => {
    await mixed();
    await open({}, { clock: true });
    await loaded();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.getByLabel("Find a volume").focus();
    await lab.setState();
    // The service asks the engine again only after a while.
    await until("the service reads the new state", async () => {
      const volumes = (await ask(lab.url, "v1/state/volumes")).body as Record<string, string>[];
      return volumes.some(({ name, status }) => name === "data" && status === "compliant");
    });
    await page.clock.fastForward("00:16");
    await row("data").getByText("compliant", { exact: true }).waitFor();
    expect(asked.sort()).toEqual(["/v1/configuration/profiles", "/v1/operations", "/v1/state/volumes"]);
    expect(await page.evaluate("document.activeElement.id")).toBe("volumes-filter");

    await page.evaluate(
      `Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" })`,
    );
    await page.clock.fastForward("01:00");
    expect(asked.length).toBe(3);
    await page.evaluate(`delete document.visibilityState; document.dispatchEvent(new Event("visibilitychange"))`);
    await until(
      () => `six requests, not ${asked.join()}`,
      () => asked.length === 6,
    );
  });

  test("what data says is text, whatever it looks like", async () => {
    const markup = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>";
    lab = await labOf(`config:
  storage-profiles:backend: local
  storage-profiles:profiles:
    odd: { description: ${JSON.stringify(markup)}, extends: bronze }
  storage-profiles:volumes:
    data: { profile: odd, sizeGiB: 1 }
`);
    await open();
    const odd = section("Profiles by backend").getByRole("row", { name: /^odd/ });
    await odd.getByText(markup).waitFor();
    await page.getByRole("button", { name: "Refresh from backends" }).click();
    await begun(1);
    lab.say({ diagnosticEvent: { message: markup, severity: "info" } });
    await page.getByRole("log").getByText(markup).waitFor();
    lab.breakEngine(markup);
    lab.end(1);
    await page.getByRole("button", { name: "Reload" }).click();
    await page.locator("#trouble").getByText(markup).first().waitFor();
    // An engine that doesn't answer takes nothing away that can be told without it.
    expect(await odd.count()).toBe(1);
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.locator("body script").count()).toBe(0);
    expect(await page.title()).toBe("shop/dev: volumes and profiles");
  });

  test("2,000 volumes and 200 profiles don't freeze it", async () => {
    const numbers = (many: number) => Array.from({ length: many }, (_, index) => index);
    lab = await labOf(
      [
        "config:",
        "  storage-profiles:backend: aws",
        "  storage-profiles:aws: { availabilityZone: us-east-1a }",
        "  storage-profiles:profiles:",
        ...numbers(200).map((each) => `    p${each}: { extends: silver, aws: { iops: ${3000 + each} } }`),
        "  storage-profiles:volumes:",
        ...numbers(2000).map((each) => `    v${each}: { profile: p${each % 200}, sizeGiB: ${10 + (each % 50)} }`),
      ].join("\n"),
    );
    await open();
    await row("v99").waitFor();
    expect(await section("Volumes").locator("tbody tr").count()).toBe(100);
    await page.getByRole("button", { name: "Show 100 more" }).click();
    expect(await section("Volumes").locator("tbody tr").count()).toBe(200);
    // What would freeze it is to draw them all: a key draws what is shown, and no more.
    const drawn = await page.getByLabel("Find a volume").evaluate((field: any) => {
      const { MutationObserver, document } = globalThis as any;
      const observer = new MutationObserver(() => undefined);
      observer.observe(document.body, { childList: true, subtree: true });
      return ["v1", "v19", "v199", "v1999"].map((text) => {
        field.value = text;
        field.dispatchEvent(new Event("input"));
        const added = observer.takeRecords().flatMap((change: any) => [...change.addedNodes]);
        return added.flatMap((node: any) => [...(node.querySelectorAll?.("tbody tr") ?? [])]).length as number;
      });
    });
    expect(drawn).toEqual([100, 100, 11, 1]); // as many as are shown at first
    expect(await row("v1999").count()).toBe(1);
    expect(await section("Volumes").locator("tbody tr").count()).toBe(1);
  });

  test("with a reader's token one may look and try, and is offered nothing that changes things", async () => {
    const directory = mkdtempSync(join(tmpdir(), "page-tokens-"));
    closes.push(() => rmSync(directory, { recursive: true }));
    const tokens = join(directory, "tokens.json");
    const password = makeToken(tokens, { name: "reader", role: "read" });
    lab = await labOf(CONFIG, { tokens });
    // What a browser asks for when the page is opened.
    await open({ httpCredentials: { username: "anybody", password } });
    await loaded();
    await page.locator("body.read-only").waitFor();
    expect(await page.getByRole("button", { name: /^(Refresh from backends|Apply|Cancel|Resume)/ }).count()).toBe(0);
    await page.getByRole("button", { name: "Edit silver" }).click();
    await page.getByLabel("Definition, in YAML").fill('{ "extends": "silver", "aws": { "iops": 6000 } }');
    await page.getByRole("button", { name: "Preview", exact: true }).click();
    await page.getByText("Affects 2 volumes.").waitFor();
    await page.getByText("Your role doesn't allow saving.").waitFor();
    expect(await page.getByRole("button", { name: "Save" }).count()).toBe(0);
  });

  test("with the real engine, by keyboard: applied, told as it happens, until all is compliant", async () => {
    const project = new HttpProject("page");
    closes.push(() => project.dispose());
    await project.prepared(`config:
  storage-profiles:backend: local
  storage-profiles:deletionProtection: false
  storage-profiles:volumes:
    orders: { profile: gold, sizeGiB: 20 }
    scratch: { sizeGiB: 8 }
`);
    const wait = join(project.directory, "wait");
    writeFileSync(wait, "");
    const { url } = await project.startService();
    await open({}, { url });
    await page.getByRole("button", { name: "Apply to 2 volumes…" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Apply" }).focus();
    await page.keyboard.press("Enter");
    const operation = section("Operations").getByRole("article");
    await operation
      .getByText("orders: create of ProfiledVolume orders")
      .first()
      .waitFor({ timeout: limitMs(120) });
    expect(await operation.locator("h3").innerText()).toMatch(/running$/);
    rmSync(wait);
    await operation
      .getByText("succeeded", { exact: true })
      .first()
      .waitFor({ timeout: limitMs(120) });
    await row("orders").getByText("compliant", { exact: true }).waitFor();
    await row("scratch").getByText("compliant", { exact: true }).waitFor();
  });

  test("twenty volumes fit a laptop's screen, five a phone's, and a chart divides profiles by backend", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `v${index}`);
    const entry = (name: string, index: number) =>
      `    ${name}: { profile: silver, sizeGiB: ${100 + index}${index < 2 ? ", backend: scaleio" : ""} }`;
    lab = await labOf(`${CONFIG.slice(0, CONFIG.indexOf("    catalog:"))}${names.map(entry).join("\n")}\n`);
    await open({ viewport: { width: 1440, height: 900 } });
    await loaded();
    const rows = section("Volumes").locator("tbody tr");
    const seen = async (height: number) => {
      const bottoms = await rows.evaluateAll((all) => all.map((each: any) => each.getBoundingClientRect().bottom));
      return bottoms.filter((bottom) => bottom <= height).length;
    };
    expect(await seen(900)).toBe(20);
    await page.setViewportSize({ width: 375, height: 812 });
    expect(await seen(812)).toBeGreaterThanOrEqual(5);
    await page.setViewportSize({ width: 1440, height: 900 });
    const parts = await page
      .locator(".chart")
      .first()
      .locator(".stack > *")
      .evaluateAll((all) => all.map((each: any) => [each.title, Math.round(each.getBoundingClientRect().height)]));
    expect(parts).toEqual([
      [expect.stringMatching(/^silver on aws: 1,989 GiB$/), expect.any(Number)],
      [expect.stringMatching(/^silver on scaleio: 208 GiB$/), expect.any(Number)],
    ]);
    expect(parts.every(([, height]) => Number(height) > 5)).toBe(true);
  });

  test("the last five operations are shown, those before them folded", async () => {
    await mixed();
    await open();
    await loaded();
    for (let count = 1; count <= 7; count++) {
      await page.getByRole("button", { name: "Refresh from backends" }).click();
      await begun(count);
      lab.end();
      await section("Operations")
        .getByRole("article")
        .first()
        .getByText("succeeded", { exact: true })
        .first()
        .waitFor();
      await page.getByRole("button", { name: "Refresh from backends", disabled: false }).waitFor();
    }
    await page.getByRole("button", { name: "Reload" }).click();
    await page.getByText("2 earlier operations").click();
    expect(await section("Operations").getByRole("article").count()).toBe(5);
    expect(await page.locator("#operations-earlier li").allInnerTexts()).toEqual(
      Array.from({ length: 2 }, () =>
        expect.stringMatching(/Refresh from backends: catalog, .* and 5 others\s+succeeded$/),
      ),
    );
  });

  test("one of several stacks is chosen, and the address says which", async () => {
    lab = await labOf(CONFIG, { stacks: ["dev", "prod"] });
    writeFileSync(
      join(lab.directory, "Pulumi.prod.yaml"),
      "config:\n  storage-profiles:backend: local\n  storage-profiles:volumes:\n    ledger: { sizeGiB: 1 }\n",
    );
    await open();
    await loaded();
    expect(await page.title()).toBe("shop/dev: volumes and profiles");
    await page.getByLabel("Stack").selectOption("prod");
    await row("ledger").waitFor();
    expect(await row("data").count()).toBe(0);
    expect(await page.title()).toBe("shop/prod: volumes and profiles");
    expect(new URL(page.url()).search).toBe("?stack=prod");
    await page.getByRole("button", { name: "Apply to 1 volume…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Apply" }).click();
    await begun(1);
    expect(lab.runs()[0]?.join(" ")).toMatch(/--stack prod/);
    // One that the page asked for and nobody created would be `volume-not-made`.
    lab.say({ resOutputsEvent: event("create", "ledger") });
    lab.end();
    await section("Operations").getByText("succeeded", { exact: true }).first().waitFor();
    await page.getByLabel("Stack").selectOption("dev");
    await section("Operations").getByText("No operations yet.").waitFor();
  });

  test("it can be used by keyboard alone, and everything has a name and a focus that is seen", async () => {
    await mixed();
    await open();
    await loaded();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    const stops: { name: string; outline: string; tag: string }[] = [];
    for (let index = 0; index < 80; index++) {
      await page.keyboard.press("Tab");
      const stop = await page.evaluate(`(() => {
        const at = document.activeElement, style = getComputedStyle(at);
        const name = at.getAttribute("aria-label") || at.labels?.[0]?.textContent || at.textContent;
        return { name: name.trim(), outline: style.outlineStyle + " " + style.outlineWidth, tag: at.tagName };
      })()`);
      stops.push(stop as (typeof stops)[number]);
      if (stops.at(-1)?.tag === "BODY") break;
    }
    const reached = stops.filter(({ tag }) => tag !== "BODY");
    expect(reached.filter(({ name, outline }) => name === "" || outline !== "solid 3px")).toEqual([]);
    const names = reached.map(({ name }) => name);
    for (const wanted of [
      "Find a volume",
      "Apply to 4 volumes…",
      "details of data",
      "Volume size, in GiB",
      "Edit gold",
      "Definition, in YAML as in the file; JSON works too",
    ])
      expect(names).toContain(wanted);
    // Nothing that can be used by a pointer is left out.
    const usable = await page.locator("main :is(a, button:enabled, input, select, textarea, summary):visible").count();
    expect(reached.length).toBe(usable);

    const tables = await page
      .locator("table")
      .evaluateAll((all) =>
        all.map((each: any) => [each.caption.textContent !== "", each.querySelectorAll("th:not([scope])").length]),
      );
    expect(tables).toEqual([
      [true, 0],
      [true, 0],
      [true, 0],
    ]);
    expect(await page.locator("main, header, nav").count()).toBe(3);
    expect(await page.locator("h1").count()).toBe(1);
  });

  test("it can be read: enough contrast in light and dark, 320 pixels are enough, and nothing moves for those who asked for that", async () => {
    await mixed();
    await open({ reducedMotion: "reduce" });
    await loaded();
    await page.getByRole("button", { name: "Refresh from backends" }).click();
    await begun(1);
    lab.say({ diagnosticEvent: { message: "it fails", severity: "error" } });
    await page.getByRole("log").getByText("it fails").waitFor();
    await page.getByLabel("Definition, in YAML").fill('{ "aws": { "volumeType": "sc1" } }');
    await page.getByRole("button", { name: "Preview", exact: true }).click();
    await page.locator("#edit-result > *").first().waitFor();
    expect(
      await page
        .locator(".shape.running")
        .first()
        .evaluate((each: any) => (globalThis as any).getComputedStyle(each).animationName),
    ).toBe("none");
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      expect(await page.evaluate(FAINT)).toEqual([]);
    }
    for (const width of [320, 640]) {
      await page.setViewportSize({ width, height: 900 });
      // What would have to be scrolled to sideways.
      const beyond = `[...document.querySelectorAll("body *")]
        .filter((each) => each.getBoundingClientRect().right > ${width} && !each.closest("pre, .unseen, thead"))
        .map((each) => each.tagName + "." + each.className + " " + each.textContent.slice(0, 40))`;
      expect(await page.evaluate(beyond)).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      // It still is a table, for those who hear it.
      expect(await row("data").getByRole("cell").count()).toBe(6);
    }
  });
});

/** Texts whose contrast with what is behind them is less than 4.5 : 1 (WCAG 2, AA), looked for in the page. */
const FAINT = `(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((each) => (each /= 255) <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest(":disabled, noscript")) continue;
    seen++;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(texts.currentNode.data.trim() + ": " + contrast.toFixed(2));
  }
  return seen > 100 ? faint : ["only " + seen + " texts were seen"];
})()`;
