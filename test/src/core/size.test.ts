import * as fc from "fast-check";

import { parseSize } from "../../../src";
import { runs } from "../../support/property";

describe("a size", () => {
  test.each(["1,5GiB", "1e3GiB", ".5TiB", "1 000 GB"])("%j has its unit: the fix is about the number", (size) => {
    expect(parseSize({ size }).problems).toMatchObject([{ fix: expect.stringContaining('"1.5TiB"') }]);
  });

  test.each([
    [{ sizeGiB: 100 }, 100],
    [{ size: "100GiB" }, 100],
    [{ size: "100 gib" }, 100],
    [{ size: "1TiB" }, 1024],
    [{ size: "1.5TiB" }, 1536],
    [{ size: "2PiB" }, 2 * 1024 * 1024],
    [{ size: "2048MiB" }, 2],
    [{ sizeGiB: 1024, size: "1TiB" }, 1024],
    // In floating-point numbers they are a little more.
    [{ size: "65.498251264GB" }, 61],
    [{ size: "0.033285996544TB" }, 31],
  ])("%j is read without a note", (request, sizeGiB) => {
    expect(parseSize(request)).toEqual({ sizeGiB, problems: [], notes: [] });
  });

  test.each([
    [{ size: "500GB" }, 466, "500GB rounded up to 466 GiB: its unit is decimal"],
    [{ size: "1TB" }, 932, "its unit is decimal"],
    [{ size: "1.2GiB" }, 2, "1.2GiB rounded up to 2 GiB: volume sizes are whole GiB"],
    [{ size: "1MiB" }, 1, "rounded up to 1 GiB"],
    [{ sizeGiB: 1.5 }, 2, "1.5 GiB rounded up to 2 GiB"],
  ])("%j is rounded up, with a note", (request, sizeGiB, message) => {
    const parsed = parseSize(request);
    expect(parsed).toMatchObject({ sizeGiB, problems: [] });
    expect(parsed.notes).toEqual([
      expect.objectContaining({ code: "size-rounded-up", message: expect.stringContaining(message) }),
    ]);
  });

  test.each([
    [{}, "size-missing", "sizeGiB"],
    [{ sizeGiB: 0 }, "size-invalid", "sizeGiB"],
    [{ sizeGiB: -1 }, "size-invalid", "sizeGiB"],
    [{ sizeGiB: NaN }, "size-invalid", "sizeGiB"],
    [{ sizeGiB: Infinity }, "size-invalid", "sizeGiB"],
    [{ size: "" }, "size-invalid", "size"],
    [{ size: "100" }, "size-invalid", "size"],
    [{ size: "-3" }, "size-invalid", "size"],
    [{ size: "ten GiB" }, "size-invalid", "size"],
    [{ size: "-5GiB" }, "size-invalid", "size"],
    [{ size: "5GiBs" }, "size-invalid", "size"],
    [{ size: "5Gb" }, "size-invalid", "size"],
    [{ size: "0GiB" }, "size-invalid", "size"],
    [{ size: "1e3GiB" }, "size-invalid", "size"],
    [{ sizeGiB: 5, size: "6GiB" }, "size-conflict", "size"],
    [{ sizeGiB: 5, size: "six" }, "size-invalid", "size"],
  ])("%j is refused", (request, code, path) => {
    expect(parseSize(request).problems).toEqual([expect.objectContaining({ code, path })]);
  });

  test.each([
    [{ sizeGiB: -3 }, "the size must be greater than zero", "set the size to 1 GiB or more"],
    [{ sizeGiB: 0 }, "the size must be greater than zero", "set the size to 1 GiB or more"],
    [{ size: "-3GiB" }, "the size must be greater than zero", "set the size to 1 GiB or more"],
    [{ sizeGiB: NaN }, "the size is not a number", "use a number of GiB"],
    [{ size: "3" }, "the unit is missing", "use one of the units"],
  ])("%j is refused with a way out that fits", (request, message, fix) => {
    expect(parseSize(request).problems).toEqual([
      expect.objectContaining({ message, fix: expect.stringContaining(fix) }),
    ]);
  });

  test("property: what is made is never smaller than what was asked for, and less than a GiB bigger", () => {
    const unit = fc.constantFrom(
      ["MiB", 2 ** 20],
      ["GiB", 2 ** 30],
      ["TiB", 2 ** 40],
      ["MB", 1e6],
      ["GB", 1e9],
      ["TB", 1e12],
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), unit, (number, [name, bytes]) => {
        const asked = (number * bytes) / 2 ** 30;
        const made = parseSize({ size: `${number}${name}` }).sizeGiB ?? 0;
        expect(made).toBeGreaterThanOrEqual(asked);
        expect(made - asked).toBeLessThan(1);
      }),
      { numRuns: runs(100) },
    );
  });
});
