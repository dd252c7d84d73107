/** What the customer has redeemed: codes to copy, with what became of them. */

import { h } from "preact";
import { Icon } from "./icons";
import type { Say } from "./say";
import type { Claim } from "./shapes";
import type { Store } from "./store";

/** A custom reward has no code; it is under way until the shop has seen to it. */
function stateOf({ code, state, fulfilled_at }: Claim) {
  if (code !== null || state === "cancelled") return state;
  return fulfilled_at || state === "used" ? "fulfilled" : state === "claimed" ? "open" : state;
}

/** The line below a code: until when, or when it was used. */
function fate(say: Say, claim: Claim): string {
  const { state, order, used_at, expires_at, claimed_at, code } = claim;
  if (state === "used" && order) return say("used_order", { order });
  if (state === "used" && used_at) return say("used_on", { date: say.day(used_at) });
  if (state === "claimed" && code !== null) {
    return expires_at ? say("valid_until", { date: say.day(expires_at) }) : say("valid_ever");
  }
  return say("claimed_on", { date: say.day(claimed_at) });
}

export function Ticket({ store: { say, state, act }, claim }: { store: Store; claim: Claim }) {
  const { code, title, instructions } = claim;
  const now = stateOf(claim);
  const live = now === "claimed" || now === "open";
  return (
    <div class={live ? "ticket" : "ticket past"}>
      <p class="split">
        <strong>{title}</strong>
        <span class={`badge ${now}`}>{say(now)}</span>
      </p>
      {code !== null && (
        <p class="code">
          <code dir="ltr">{code}</code>
          {live && (
            <button
              class="small"
              aria-label={say("copy_code", { code })}
              onClick={(event) => act.copy(code, event.currentTarget)}
            >
              <Icon name={state.copied === code ? "check" : "copy"} />
              {say(state.copied === code ? "copied" : "copy")}
            </button>
          )}
        </p>
      )}
      {instructions && live && <p class="text">{instructions}</p>}
      <p class="quiet">{fate(say, claim)}</p>
    </div>
  );
}

export function Codes({ store }: { store: Store }) {
  const { say, state, act } = store;
  const claims = state.me?.claims ?? [];
  if (!claims.length) {
    return (
      <div class="empty">
        <p>{say("no_codes")}</p>
        <button class="second" onClick={() => act.look("spend")}>
          {say("see_rewards")}
        </button>
      </div>
    );
  }
  return (
    <ul class="rows">
      {claims.map((claim) => (
        <li key={claim.id}>
          <Ticket store={store} claim={claim} />
        </li>
      ))}
    </ul>
  );
}
