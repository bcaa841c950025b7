// A profile's `aws` section, worked out for one volume: by its type, which the profile names or leaves to `cheapest`.

import { isSame } from "../../core/revision";
import type { Admitted, Answer } from "../contract";
import { admittedBy } from "./admitted";
import { cheapestType, typesOf } from "./cheapest";
import { pricesOf } from "./cost";
import { REFERENCE_REGION, type AwsPrices } from "./prices";
import { resolveType, type AskedAws } from "./resolve-type";
import type { AwsSettings } from "./settings";
import { note, problem } from "./problems";

/** Settings, problems and notes for one volume. */
export function resolveAws(asked: AskedAws, prices: AwsPrices): Answer<AwsSettings> {
  const { section, path } = asked;
  if (section.volumeType == null) {
    const missing = { setting: "volumeType", because: "EBS requires a volume type", example: "volumeType: gp3" };
    const way = "let the profile extend one that sets it (it may extend the built-in profile of its own name)";
    const problems = [problem("setting-required", `${path}.volumeType`, undefined, { ...missing, way })];
    return { sizeGiB: asked.sizeGiB, problems, notes: [] };
  }
  const answer = section.volumeType === "cheapest" ? cheapest(asked, prices) : resolveType(section.volumeType, asked);
  const requests = answer.settings && pricesOf(answer.settings, asked.placement, prices)?.perMillionRequests;
  if (requests) {
    answer.notes.push(note("price-without-requests", "monthlyCost", { what: `${requests} per million I/O requests` }));
  }
  return answer;
}

/** The sizes that the profile's type admits, and why none beyond them; of each type, where `cheapest` finds none. */
export function admittedSizes(asked: Omit<AskedAws, "sizeGiB">, prices: AwsPrices): Admitted[] {
  const { volumeType } = asked.section;
  if (volumeType == null) return [];
  if (volumeType !== "cheapest") return [admittedBy(volumeType, asked)];
  const chosen = cheapestType(asked, prices);
  return (chosen ? [chosen.type] : typesOf(asked)).map((type) => admittedBy(type, asked));
}

function cheapest(asked: AskedAws, prices: AwsPrices): Answer<AwsSettings> {
  const { path, sizeGiB } = asked;
  const at = `${path}.volumeType`;
  const types = typesOf(asked);
  const chosen = cheapestType(asked, prices);
  if (!chosen) {
    const answers = types.map((type) => {
      return resolveType(type, { ...asked, section: { ...asked.section, volumeType: type }, quiet: true }).problems;
    });
    // What is wrong with every type is not the types' fault.
    const [first = [], ...others] = answers;
    const common = first.filter((each) => others.every((list) => list.some((other) => isSame(each, other))));
    const own = answers.map((list) => list.find((each) => !common.some((other) => isSame(each, other))));
    if (own.includes(undefined)) return { sizeGiB, problems: common, notes: [] };
    const reasons = types.map((type, index) => `${type}: ${own[index]?.message}`);
    return { sizeGiB, problems: [problem("no-type-admits", at, "cheapest", { reasons }), ...common], notes: [] };
  }
  const answer = resolveType(chosen.type, { ...asked, again: (changed) => cheapest(changed, prices) });
  if (!answer.settings) return answer;
  const where = chosen.isPriced ? "" : `, at the prices of ${REFERENCE_REGION}`;
  const because = `the cheapest of ${types.join(", ")} for "${asked.profile}", independent of the size${where}`;
  return { ...answer, notes: [note("type-chosen", at, { type: chosen.type, because }), ...answer.notes] };
}
