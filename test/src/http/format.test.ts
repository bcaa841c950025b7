// What the status page adds up.

import { totalsOf } from "../../../src/http/page/format";

type Plan = Parameters<typeof totalsOf>[0][number];
const cost = (amount: number) => ({ amount, currency: "USD" });

test("what isn't created yet, or is deleted, costs nothing; only what has no known price is unknown", () => {
  const plans: Plan[] = [
    { verdict: "create", costAfter: cost(3) },
    { verdict: "delete", costBefore: cost(5) },
    { verdict: "in-place", costBefore: cost(1), costAfter: cost(2) },
  ];
  expect(totalsOf(plans)).toEqual({ before: "6.00 USD", after: "5.00 USD" });
  expect(totalsOf([...plans, { verdict: "in-place", costBefore: cost(1) }])).toEqual({
    before: "7.00 USD",
    after: "5.00 USD, cost of 1 volume unknown",
  });
});
