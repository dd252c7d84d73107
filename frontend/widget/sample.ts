/** Answers in place of the server, for the panel that the admin shows: nothing is sent, and nothing kept. */

import type { Claim, Connection, Me, Program } from "./shapes";

/** What the admin's page says: the program as shops' pages read it, and a customer who is made up. */
export interface Sample {
  program: Program;
  me: Me;
}

const CODE = "SAMPLE-7K3M-Q9XD";

export function sampleConnection({ me }: Sample, isLoggedIn: boolean): Connection {
  const answers: Record<string, (body: any) => object> = {
    redeem: ({ reward_id, points }: { reward_id: number; points?: number }) => {
      const claim = claimOf(me, reward_id, points);
      return { claim, points: { ...me.points, available: me.points.available - claim.cost } };
    },
    birthday: ({ birthday }: { birthday: string }) => ({
      me: { ...structuredClone(me), customer: { ...me.customer, birthday } },
    }),
  };
  return {
    signs: isLoggedIn,
    ages: false,
    load: async () => (isLoggedIn ? structuredClone(me) : null),
    call: async (_method, path, body) => ({
      status: path in answers ? 200 : 404,
      body: answers[path]?.(body) ?? null,
    }),
    proof: async () => undefined,
  };
}

/** The reward as it is handed over, with a code that no shop takes. */
function claimOf(me: Me, rewardId: number, points?: number): Claim {
  const { id, title, kind, cost, amount_minor, percent, valid_days } = me.rewards.find(({ id }) => id === rewardId)!;
  const now = new Date();
  const ends = valid_days ? new Date(now.getTime() + valid_days * 86_400_000).toISOString() : null;
  return {
    id: 0,
    reward_id: id,
    title,
    kind,
    amount_minor,
    percent,
    cost: points ?? cost,
    code: kind === "custom" ? null : CODE,
    state: "claimed",
    claimed_at: now.toISOString(),
    expires_at: ends,
    used_at: null,
    order: null,
    fulfilled_at: null,
    instructions: "",
  };
}
