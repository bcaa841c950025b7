// What people read is technical English. These are phrases that have been here and are not; each stands for its kind.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import ts from "typescript";

const root = resolve(__dirname, "../../..");

/** Not English, or not the words of this field, each with what to write instead. */
const banned: [RegExp, string][] = [
  [/it isn't said (which|where|what)/i, "no stack selected"],
  [/nobody can be asked|nobody (knows|said|needs|reads)\b/i, "not an interactive terminal; unknown"],
  [
    /\bis no (address|URL|YAML|JSON|shell|size|key|role|mapping|map|name|text|object|variable|plain|id)\b/i,
    "invalid …",
  ],
  [/\bholds (no|a) (mapping|secret|user|PEM)/i, "expected a mapping; contains …"],
  [/\bstands? (in|before|first|there|below|beside|with)\b/i, "is in, precedes, or another subject"],
  [/where .{0,30} belongs$/i, "expected …, got …"],
  [/there is no (profile|stack|backend|option|volume) "/i, "unknown profile …"],
  [/put(s)? right (what|it)|put right/i, "(leave it out), correct"],
  [/what there is\b|for what there is/i, "Run with --help for usage."],
  [/no volume is touched|would (it|an edit) touch|it would touch|touches (no|\d)/i, "No changes; affects"],
  [/was edited since|\band was made\b|\bit last got\b/i, "changed since this volume was last applied; expected"],
  [/for want of/i, "Skipped: …"],
  [/somebody else is at it|called wrongly|\bat it\b/i, "Conflict: …; Usage error"],
  [/by a few questions|shows it this once/i, "interactively; shown only once"],
  [/\bsays of each\b|\bsays what\b|\bin a month, each\b|\bin all\b(?! its)/i, "Show …; in total"],
  [/those first that|need somebody/i, "needing attention first"],
  [/ask(ing|s)? the backends|read again\b/i, "Refresh from backends; Reload"],
  [/\bleave it$|^leave it\b/i, "Cancel"],
  [/refused, and nothing written|nothing is written/i, "nothing will be saved"],
  [/\b(edit|state|revision) .{0,12}\bnow [0-9a-f]{8}/i, "no revisions in texts"],
  [/isn't called so|passed over|is another device/i, "not allowed; ignored; can't be the right one"],
  [/"?\bwants? (a limit|\$|\d|more)/i, "sets …"],
  [/can't have \$?\{?\d?.{0,30} ?GiB/i, "must be at least … GiB"],
  [/one example a\b|cost(s)? .{0,12} a month\b/i, "per backend; per month"],
  [/is the program's to change|are Docker's, too|that they are made of/i, "change it there; can use; are available as"],
  [/makes it another|only added to|who may\b/i, "replaces; append-only; permissions"],
  [/isn't told|doesn't tell\b|\bis told (of|to|with)\b/i, "is unknown; doesn't report"],
  [
    /\b(takes?|took|taken) (it |that |this )?volume over|\btaken? (it )?up\b|took the request/i,
    "imports; adopts; accepted",
  ],
  [/\blaid over (those|it|the)\b/i, "overrides"],
  [/\bmeanwhile\b/i, "in the meantime"],
  [/\bwhatever the (size|IOPS)/i, "independent of …"],
  [/by other means/i, "outside Pulumi"],
  [/\bpresent (definition|profile|size)\b/i, "current …"],
  [/(^|\. )Changes no volume\b/, "doesn't change any volume"],
  [
    /\bfalls? away\b|\bdoes without\b|\bare run as ever\b|\bis nobody's\b/i,
    "is gone; turns it off; run as usual; isn't limited",
  ],
  [/\ba blank stands|characters stand|nothing stands|nothing follows/i, "volume name contains …"],
];

function textsOf(file: string): [line: number, text: string][] {
  const text = readFileSync(join(root, file), "utf8");
  if (!/\.(ts|js)$/.test(file))
    return text.split("\n").map((line, index) => [index + 1, line.replace(/<!--.*?-->/g, "")]);
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: [number, string][] = [];
  const visit = (node: ts.Node): void => {
    const line = () => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    if (ts.isStringLiteralLike(node)) found.push([line(), node.text]);
    if (ts.isTemplateExpression(node)) {
      const parts = node.templateSpans.map(({ literal }) => `\${…}${literal.text}`);
      found.push([line(), node.head.text + parts.join("")]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const filesIn = (room: string, ending: RegExp) =>
  readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
    .filter((file) => ending.test(file))
    .map((file) => join(room, file));

const files = {
  src: filesIn("src", /\.(ts|js|html)$/),
  components: filesIn("components", /\.ts$/),
  "docs and README.md": [...filesIn("docs", /\.md$/), "README.md"],
};

test.each(Object.entries(files))("the texts of %s are technical English", (_, all) => {
  expect(all.length).toBeGreaterThan(10);
  const found = all.flatMap((file) =>
    textsOf(file).flatMap(([line, text]) =>
      banned
        .filter(([phrase]) => phrase.test(text))
        .map(([phrase, better]) => `${file}:${line}: ${phrase.exec(text)?.[0] ?? ""} → ${better}`),
    ),
  );
  expect(found).toEqual([]);
});
