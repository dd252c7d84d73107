/** What the panel knows, and what can be done in it. Each act changes the state, and the state is drawn. */

import type { Claim, Connection, History, Me, Points, Refusal, Reward, Shop, Tab } from "./shapes";
import type { Say } from "./say";

/** What went wrong with the last attempt: a refusal in the door's words, or that nobody answered. */
export type Trouble = Refusal | "down_redeem" | "ended";

export interface State {
  /** "ended": the page is too old to say who is there. */
  phase: "loading" | "out" | "in" | "down" | "ended";
  tab: Tab;
  me: Me | null;
  history: History;
  /** The reward looked at, with the points chosen where its amount is variable. */
  chosen: Reward | null;
  points: number;
  busy: boolean;
  trouble: Trouble | null;
  /** What was just redeemed. */
  claim: Claim | null;
  /** The code that was just copied. */
  copied: string;
  birthday: "" | "bad" | "saved" | "down";
  /** For a screen reader. */
  said: string;
}

export interface Store {
  shop: Shop;
  say: Say;
  state: State;
  act: ReturnType<typeof actsOn>;
}

const NOTHING: History = { lines: [], next: null };

export function makeStore(shop: Shop, say: Say, connection: Connection, draw: () => void): Store {
  const state: State = {
    phase: connection.signs ? "loading" : "out",
    tab: "spend",
    me: null,
    history: NOTHING,
    chosen: null,
    points: 0,
    busy: false,
    trouble: null,
    claim: null,
    copied: "",
    birthday: "",
    said: "",
  };
  const set: Set = (change) => {
    Object.assign(state, change);
    draw();
  };
  return { shop, say, state, act: actsOn(shop, say, connection, state, set) };
}

/** Of an attempt to redeem; it stays the same until the server has given a definite answer. */
function newKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

type Set = (change: Partial<State>) => void;

function actsOn(shop: Shop, say: Say, connection: Connection, state: State, set: Set) {
  let attempt: { what: string; key: string } | null = null;

  function know(me: Me | null): void {
    if (me) set({ phase: "in", me, history: me.history });
    else set({ phase: state.me || connection.ages ? "ended" : "out", me: null, chosen: null, claim: null });
  }

  async function refresh(): Promise<void> {
    if (!connection.signs) return know(null);
    try {
      know(await connection.load());
    } catch {
      if (!state.me) set({ phase: "down" });
    }
  }

  /** Sends it, once more if the line broke: under the same key it counts once. */
  async function send(reward: Reward, points: number, key: string) {
    const { widget } = shop.program;
    const proof = widget.needs_token_to_redeem ? await connection.proof() : undefined;
    const body = { reward_id: reward.id, points: reward.variable ? points : undefined, proof };
    const post = () => connection.call("POST", "redeem", body, { "Idempotency-Key": key });
    return post().catch(post);
  }

  function refuse(status: number, refusal: Refusal | undefined): void {
    set({ busy: false, trouble: status === 401 ? "ended" : (refusal ?? { code: "" }) });
    if (status !== 401) void refresh();
  }

  return {
    refresh,

    look(tab: Tab): void {
      set({ tab, chosen: null, claim: null, birthday: "" });
    },

    choose(reward: Reward): void {
      set({ chosen: reward, points: reward.variable?.minimum ?? 0, trouble: null, claim: null });
    },

    leave(): void {
      set({ chosen: null, trouble: null, claim: null });
    },

    slide(points: number): void {
      set({ points, trouble: null });
    },

    async redeem(points: number): Promise<void> {
      const reward = state.chosen;
      if (!reward || state.busy) return;
      const what = `${reward.id} ${points}`;
      if (attempt?.what !== what) attempt = { what, key: newKey() };
      set({ busy: true, trouble: null, said: say("sending") });
      const answer = await send(reward, points, attempt.key).catch(() => null);
      if (!answer || answer.status === 429 || answer.status >= 500) {
        return set({ busy: false, trouble: "down_redeem" });
      }
      attempt = null;
      if (answer.status >= 300) return refuse(answer.status, answer.body?.error);
      const { claim, points: left }: { claim: Claim; points: Points } = answer.body;
      if (state.me) Object.assign(state.me, { points: left, claims: [claim, ...state.me.claims] });
      set({ busy: false, claim, said: `${say("done")} ${claim.code ?? ""}` });
      tell(shop, claim);
      await refresh();
    },

    async more(): Promise<void> {
      const { lines, next } = state.history;
      if (!next || state.busy) return;
      set({ busy: true });
      const path = `history?before=${encodeURIComponent(next)}`;
      const answer = await connection.call("GET", path).catch(() => null);
      const came: History | null = answer?.status === 200 ? answer.body : null;
      set({ busy: false, ...(came && { history: { lines: [...lines, ...came.lines], next: came.next } }) });
    },

    async saveBirthday(birthday: string): Promise<void> {
      if (!birthday) return set({ birthday: "bad", said: say("birthday_bad") });
      if (state.busy) return;
      set({ busy: true });
      const answer = await connection.call("POST", "birthday", { birthday }).catch(() => null);
      set({ busy: false });
      if (answer?.status === 200) {
        know(answer.body.me);
        set({ birthday: "saved", said: say("birthday_saved") });
      } else {
        void refresh();
        const bad = answer?.status === 422;
        set({ birthday: bad ? "bad" : "down", said: say(bad ? "birthday_bad" : "down") });
      }
    },

    async copy(code: string, beside: HTMLElement): Promise<void> {
      if (await copied(code, beside)) set({ copied: code, said: say("copied") });
    },
  };
}

/** Tells the shop's page, so that it can put the code into the cart. */
function tell({ place }: Shop, claim: Claim): void {
  if (!claim.code) return;
  const detail = { coupon: { ...claim, coupon_code: claim.code } };
  place.dispatchEvent(new CustomEvent("widgetRewardRedeemed", { bubbles: true, composed: true, detail }));
}

/** Whether the text is on the clipboard now. On plain http there is only the old way, by a selection. */
async function copied(text: string, beside: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.className = "unseen";
    field.value = text;
    beside.after(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    beside.focus();
    return done;
  }
}
