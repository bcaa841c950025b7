// What plain scalars mean to Pulumi. The table is what `pulumi config --json` (3.216) said of each; test/e2e/stack-values.test.ts asks it anew.

import { readYaml } from "../../../src/core/yaml-values";

const value = (scalar: string) => (readYaml(`key: ${scalar}\n`).toJS() as { key: unknown }).key;

// prettier-ignore
const OF_PULUMI: [string, unknown][] = [
  ["16_000", 16000], ["1_0", 10], ["_1", "_1"], ["1_", 1], ["1__0", 10], ["0x10", 16], ["0X1F", 31], ["0o17", 15], ["0O17", 15],
  ["017", 15], ["010", 8], ["08", 8], ["09", 9], ["0b101", 5], ["0B11", 3], ["-0b1", -1], ["+0x1", 1], ["-0x1", -1], ["+5", 5], ["-5", -5],
  ["+05", 5], ["-010", -8], ["1e3", 1000], ["1E3", 1000], ["1e+3", 1000], ["1e-3", 0.001], ["1.e3", 1000], ["1.", 1], [".5", 0.5],
  ["+.5", 0.5], ["-.5", -0.5], [".5e3", 500], ["1_0.5", 10.5], ["1.5_0", 1.5], ["1e1_0", 10000000000], ["inf", "inf"], ["nan", "nan"],
  ["Infinity", "Infinity"], ["yes", "yes"], ["Yes", "Yes"], ["YES", "YES"], ["no", "no"], ["No", "No"], ["NO", "NO"], ["on", "on"],
  ["On", "On"], ["ON", "ON"], ["off", "off"], ["Off", "Off"], ["OFF", "OFF"], ["y", "y"], ["Y", "Y"], ["n", "n"], ["N", "N"],
  ["true", true], ["True", true], ["TRUE", true], ["false", false], ["False", false], ["FALSE", false], ["tRue", "tRue"], ["null", null],
  ["Null", null], ["NULL", null], ["~", null], ["2001-01-01", "2001-01-01 00:00:00 +0000 UTC"],
  ["2001-1-1", "2001-01-01 00:00:00 +0000 UTC"], ["2001-01-01T00:00:00Z", "2001-01-01 00:00:00 +0000 UTC"],
  ["2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.1 -0500 -0500"], ["2001-12-14T21:59:43", "2001-12-14T21:59:43"], ["1:30", "1:30"],
  ["190:20:30", "190:20:30"], ["1:30.5", "1:30.5"], ["12:34:56", "12:34:56"], ["=", "="], ["<<", "<<"], ["0", 0], ["-0", 0], ["00", 0],
  ["000", 0], ["0.0", 0], ["-0.0", 0], ["1.0", 1], ["100.0", 100], ["1e2", 100], ["1e20", 100000000000000000000], ["1e21", 1e+21],
  ["1e400", "1e400"], ["9007199254740993", 9007199254740992], ["9223372036854775807", 9223372036854776000],
  ["9223372036854775808", 9223372036854776000], ["18446744073709551615", 18446744073709552000],
  ["18446744073709551616", 18446744073709552000], ["-9223372036854775808", -9223372036854776000],
  ["-9223372036854775809", -9223372036854776000], ["0xFFFFFFFFFFFFFFFF", 18446744073709552000],
  ["0x1FFFFFFFFFFFFFFFF", "0x1FFFFFFFFFFFFFFFF"], ["1.2.3", "1.2.3"], ["1,000", "1,000"], ["0x", "0x"], ["0b", "0b"], ["0o", "0o"],
  ["0b12", "0b12"], ["0xG", "0xG"], ["0o8", "0o8"], ["1e", "1e"], ["1e+", "1e+"], ["e3", "e3"], [".e3", ".e3"], [".", "."], ["..", ".."],
  ["+", "+"], ["--", "--"], ["+1e3", 1000], ["0x1_0", 16], ["0b1_0", 2], ["0o1_7", 15], ["0_17", 15], ["01_7", 15], ["017_", 15],
  ["1._5", 1.5], ["0.1", 0.1], ["123456789012345678", 123456789012345680], ["1.7976931348623157e308", 1.7976931348623157e+308],
  ["1e309", "1e309"], ["-1e400", "-1e400"], ["2001-01-01x", "2001-01-01x"], ["2001-13-01", "2001-13-01"], ["2001-02-30", "2001-02-30"],
  ["1985-10-26T01:21:00Z", "1985-10-26 01:21:00 +0000 UTC"], ["0777", 511], ["0o777", 511], ["1e05", 100000], ["01e5", 100000],
  ["01.5", 1.5], ["1_000.5", 1000.5], ["_", "_"], ["__", "__"], ["0_", 0], ["0__1", 1], ["-_5", -5], ["-0o17", -15], ["-017", -15],
  ["+017", 15], ["+0b1", 1], ["2001-01-01T00:00:00+01:00", "2001-01-01 00:00:00 +0100 +0100"],
  ["2001-01-01T0:0:0Z", "2001-01-01 00:00:00 +0000 UTC"],
];

test("plain scalars are what Pulumi takes them for", () => {
  const differing = OF_PULUMI.filter(
    ([scalar, expected]) => JSON.stringify(value(scalar)) !== JSON.stringify(expected),
  );
  expect(differing.map(([scalar, expected]) => [scalar, expected, value(scalar)])).toEqual([]);
});

test("quoted ones are text, tags count, and keys are values, too", () => {
  const text = `{ a: "010", b: '16_000', c: !!str 2001-12-14, d: !!float 5, e: !!int "7", f: !!timestamp "2001-12-14" }`;
  expect(readYaml(text).toJS()).toEqual({
    ...{ a: "010", b: "16_000", c: "2001-12-14", d: 5, e: 7, f: "2001-12-14 00:00:00 +0000 UTC" },
  });
  expect(Object.keys(readYaml("{ 010: a, 1_0: b, 1.0: c, yes: d }").toJS() as object)).toEqual(["1", "8", "10", "yes"]);
});

test.each([
  ["a: &x 1\nb:\n  c: *y\n", 3, 6, 'unknown anchor "y"'],
  ["a: *x\nb: &x 1\n", 1, 4, 'unknown anchor "x"'],
  ["a: { <<: 5 }\n", 1, 6, "`<<` must be a mapping, or a list of mappings"],
  ["x: &x [1]\na:\n  <<: *x\n", 3, 3, "`<<` must be a mapping, or a list of mappings"],
])("a reference that leads nowhere is an error with its line and column: %j", (text, line, col, message) => {
  expect(readYaml(text).errors).toMatchObject([{ message, linePos: [{ line, col }, {}] }]);
});

test("anchors, merges of one and of several, and an anchor that is set again are read as ever", () => {
  const text =
    'x: &x {a: 1}\ny: &y {b: 2}\nz: {<<: *x}\nw: {<<: [*x, *y, {c: 3}]}\nv: &x {a: 4}\nu: {<<: *x}\n"<<": 5\n';
  expect([readYaml(text).errors, readYaml(text).toJS()]).toEqual([
    [],
    expect.objectContaining({ z: { a: 1 }, w: { a: 1, b: 2, c: 3 }, u: { a: 4 } }),
  ]);
});
