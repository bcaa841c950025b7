// The status page in Firefox, once from the headline to an apply: http-page.test.ts has the cases, in Chromium.

import { until } from "../../tools/test/time.js";
import { firefoxReason, startFirefox, type Firefox } from "../labs/firefox/lab.js";
import { describeIf } from "../support/machine";
import { openLab, type Lab } from "../support/page";

const CONFIG = `config:
  storage-profiles:backend: aws
  storage-profiles:aws: { availabilityZone: us-east-1a }
  storage-profiles:volumes:
    catalog: { profile: silver, sizeGiB: 200 }
    journal: { profile: gold, sizeGiB: 50 }
    media: { profile: bronze, sizeGiB: 500 }
`;

const reason = firefoxReason();

describeIf(reason === undefined, "the status page in Firefox", reason, () => {
  let lab: Lab | undefined;
  let firefox: Firefox | undefined;
  afterAll(async () => {
    await firefox?.close();
    await lab?.close();
  });

  test("shows the volumes and what needs an apply, previews and saves an edit, applies it, and complains of nothing", async () => {
    lab = await openLab(CONFIG);
    await lab.setState({ journal: { has: { settings: { iops: 900 } } } });
    firefox = await startFirefox();
    const page = firefox;
    await page.open(lab.url, 1280, 900);
    const text = (selector: string) =>
      page.evaluate<string>(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`);
    const shown = (selector: string, pattern: RegExp) => {
      let last = "";
      return until(
        () => `${pattern} in ${selector}: ${last}`,
        async () => pattern.test((last = await text(selector))),
      );
    };
    /** Clicks a button, in the whole page or below an element, once it is there. */
    const press = async (name: string, within = "body") => {
      const found = `[...document.querySelectorAll(${JSON.stringify(`${within} button`)})]
        .find((each) => each.checkVisibility() && !each.disabled && (each.ariaLabel ?? each.textContent.trim()) === ${JSON.stringify(name)})`;
      // Found and clicked at once: the page may draw it anew, or move it, at any time.
      await until(
        () => `a button "${name}"`,
        () =>
          page.evaluate<boolean>(
            `(() => { const button = ${found}; button?.click(); return button !== undefined; })()`,
          ),
      );
    };

    await shown("#summary", /1 of 3 volumes needs? an apply.*USD a month/s);
    expect(await text("table.volumes")).toMatch(
      /journal.*non-compliant.*iops is 900 IOPS, expected 1,500 IOPS.*catalog.*compliant.*media.*compliant/s,
    );
    // It is laid out: three rows below each other, on the first screen.
    const tops = await page.evaluate<number[]>(
      `[...document.querySelectorAll("table.volumes tbody tr")].map((each) => Math.round(each.getBoundingClientRect().top))`,
    );
    expect(tops.length).toBe(3);
    expect(tops).toEqual([...new Set(tops)].sort((a, b) => a - b));
    expect(Number(tops.at(-1))).toBeLessThan(900);

    await press("Edit silver");
    await page.evaluate(`document.querySelector("#edit-text").select()`);
    await page.type("{ extends: silver, aws: { iops: 6000 } }");
    await press("Preview");
    await shown("#edit-result", /Affects 1 volume\..*catalog.*update in place.*iops: 3,000 IOPS → 6,000 IOPS/s);
    await press("Save");
    await shown("#edit-result", /not applied yet\./);
    expect((await lab.stack.readConfig()).config.profiles?.["silver"]).toEqual({
      extends: "silver",
      aws: { iops: 6000 },
    });

    await lab.setState({}, "after");
    await shown("#apply-all", /^Apply to 2 volumes…$/);
    await press("Apply to 2 volumes…");
    await shown("dialog[open]", /Apply to 2 volumes\?/);
    await press("Apply", "dialog[open]");
    await until("the engine runs", () => lab?.runs().length === 1);
    await shown("#summary", /apply running.*2 of 3 volumes in progress/s);
    lab.end();
    await shown("#operations", /succeeded/);
    await shown("#summary", /^All 3 volumes/);
    expect(page.complaints()).toEqual([]);
  });
});
