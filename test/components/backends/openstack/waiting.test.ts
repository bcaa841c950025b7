// How long a change on Cinder is waited for, what is reported meanwhile, and what remains: with a Cinder in memory, whose time the test moves.

import { converge } from "../../../../components/backends/openstack/lifecycle";
import type { CinderSession } from "../../../../components/backends/openstack/session";
import { useFakeClock } from "../../../support/clock";

const mockPass: { by: (milliseconds: number) => void } = { by: () => undefined };
// Time passes when the code under test waits, and only then.
jest.mock("node:timers/promises", () => ({
  setTimeout: (milliseconds: number) => {
    mockPass.by(milliseconds);
    return Promise.resolve();
  },
}));

const requests: string[] = [];
/** A Cinder with one volume, of 1 GiB and type gold, in that status after so many seconds. */
function cinder(statusAfter: (seconds: number) => string): CinderSession {
  const start = Date.now();
  return {
    get: (path: string, shape: { parse(value: unknown): unknown }) => {
      requests.push(path);
      const status = statusAfter((Date.now() - start) / 1000);
      const created_at = "2026-01-01T00:00:00.000000";
      return Promise.resolve(shape.parse({ volume: { id: "v1", status, size: 1, volume_type: "gold", created_at } }));
    },
    post: (path: string) => {
      requests.push(`POST ${path}`);
      return Promise.resolve();
    },
  } as unknown as CinderSession;
}

const wanted = { volumeId: "v1", sizeGiB: 1, volumeType: "gold", migrationPolicy: "never", timeoutMinutes: 1 } as const;

beforeEach(() => {
  mockPass.by = useFakeClock();
  requests.length = 0;
});
afterEach(() => void jest.useRealTimers());

test("a change that doesn't end is waited for until the time limit, with lines of progress, and what is true is returned", async () => {
  const lines: string[] = [];
  const start = Date.now();
  const { failure, ...has } = await converge(
    cinder(() => "retyping"),
    { ...wanted, sizeGiB: 2 },
    (line) => lines.push(line),
  );
  const waited = (Date.now() - start) / 1000;
  expect([waited > 60, waited < 66]).toEqual([true, true]);
  expect(failure).toMatchObject({ code: "still-running" });
  expect(failure?.message).toContain('volume v1 is still "retyping" after the time limit');
  expect(lines).toEqual([12, 22, 32, 42, 52].map((s) => `the previous change: status "retyping", ${s} s so far`));
  expect(has).toEqual({ sizeGiB: 1, volumeType: "gold" });
  expect(requests.filter((each) => each.startsWith("POST"))).toEqual([]);
});

test("a change that ends within the limit is no failure, and is looked at ever less", async () => {
  const session = cinder((seconds) => (seconds < 40 ? "retyping" : "available"));
  expect(await converge(session, wanted, () => undefined)).toEqual({ sizeGiB: 1, volumeType: "gold" });
  // Each pause is 1.5 times the last, from 0.25 s to 5 s: 8 of them in the first 14 s.
  expect(requests.length).toBeLessThan(18);
});
