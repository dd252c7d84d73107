/** Rewards: the list of them, and one looked at closely, confirmed, and handed over. */

import { Fragment, h } from "preact";
import { fitted, span, worth } from "./amounts";
import { Ticket } from "./codes";
import { Icon, Picture } from "./icons";
import type { Say } from "./say";
import type { Claim, Refusal, Reward, Standing, Variable } from "./shapes";
import type { Store } from "./store";

function costOf(say: Say, { variable, cost }: Reward): string {
  if (!variable) return say.points(cost);
  return say("from", { points: say.points(variable.minimum || variable.step || 1) });
}

/** Why the customer can't have it, in a sentence. */
function reason(say: Say, why: string, facts: Partial<Refusal>): string {
  const { missing = 0, until, tiers = [] } = facts;
  const said = { points: say.points(missing), tiers: tiers.join(", "), date: until ? say.day(until) : "" };
  return say.or(until ? "limit_until" : why, "failed", said);
}

/** At the end of a row: what may be done, or how far it is. */
function Chance({ say, standing, available }: { say: Say; standing: Standing; available: number }) {
  const { can, missing } = standing;
  if (can) return <span class="pill">{say("redeem")}</span>;
  if (!missing) return <Icon name="clock" />;
  return (
    <span class="chance">
      {say("to_go", { n: missing })}
      <Bar available={available} missing={missing} />
    </span>
  );
}

/** How far the points reach. A balance below zero reaches nowhere. */
export function Bar({ available, missing }: { available: number; missing: number }) {
  const has = Math.max(0, available);
  return (
    <span class="bar" aria-hidden="true">
      <span style={{ width: `${(100 * has) / (has + missing)}%` }} />
    </span>
  );
}

/** One row. With `onPick` it is a button that leads to the reward. */
export function RewardRow({ store, reward, onPick }: { store: Store; reward: Reward; onPick?: () => void }) {
  const { say, state } = store;
  const { standing } = reward;
  const soldOut = reward.out_of_stock && "out_of_stock";
  const why = standing ? !standing.can && !standing.missing && standing.why : soldOut;
  const content = (
    <>
      <Picture icon={reward.icon} kind={reward.kind} />
      <span class="grow">
        <strong>{reward.title}</strong>
        <span class="quiet">{costOf(say, reward)}</span>
        {why && <span class="quiet">{reason(say, why, standing ?? {})}</span>}
      </span>
      {standing && <Chance say={say} standing={standing} available={state.me!.points.available} />}
    </>
  );
  if (!onPick) return <li class="row">{content}</li>;
  return (
    <li>
      <button class="row" id={`reward-${reward.id}`} onClick={onPick}>
        {content}
      </button>
    </li>
  );
}

export function Rewards({ store }: { store: Store }) {
  const { say, state, act, shop } = store;
  const rewards = state.me?.rewards ?? shop.program.rewards;
  if (!rewards.length) return <p class="empty">{say("no_rewards")}</p>;
  return (
    <ul class="rows">
      {rewards.map((reward) => (
        <RewardRow
          key={reward.id}
          store={store}
          reward={reward}
          onPick={state.me ? () => act.choose(reward) : undefined}
        />
      ))}
    </ul>
  );
}

/** One reward: what it costs and gives, and the button that takes the points. */
export function Chosen({ store, reward: asked }: { store: Store; reward: Reward }) {
  const { say, state, act } = store;
  // As it stands now: points may have come or gone since it was opened.
  const reward = state.me?.rewards.find(({ id }) => id === asked.id) ?? asked;
  if (state.claim) return <HandedOver store={store} claim={state.claim} />;
  const { can, why = "" } = reward.standing ?? { can: false };
  const { trouble } = state;
  const available = state.me?.points.available ?? 0;
  const { minimum_order_minor: minimum, valid_days: days, variable } = reward;
  // While somebody types, what counts is what fits below it.
  const points = variable ? fitted(variable, available, state.points) : reward.cost;
  return (
    <section class="chosen">
      <Picture icon={reward.icon} kind={reward.kind} />
      <h3 tabIndex={-1}>{can ? say("sure", { reward: reward.title }) : reward.title}</h3>
      {reward.text && <p class="text">{reward.text}</p>}
      {can && variable && <Slider store={store} variable={variable} available={available} points={points} />}
      <dl>
        <Fact name={say("cost")} value={can ? say.points(points) : costOf(say, reward)} />
        <Fact name={say(can ? "left" : "balance")} value={say.points(can ? available - points : available)} />
      </dl>
      {(minimum > 0 || days) && (
        <p class="quiet">
          {minimum > 0 && say("min_order", { money: say.money(minimum) })}
          {minimum > 0 && days && " · "}
          {days && say("valid_days", { n: days })}
        </p>
      )}
      {trouble && (
        <p class="notice bad" role="alert">
          {typeof trouble === "string" ? say(trouble) : reason(say, trouble.code, trouble)}
        </p>
      )}
      {can ? (
        <button class="main" aria-busy={state.busy} onClick={() => act.redeem(points)}>
          {say(state.busy ? "sending" : trouble ? "again" : "confirm", { points: say.points(points) })}
        </button>
      ) : (
        !trouble && <p class="notice">{reason(say, why, reward.standing ?? {})}</p>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

interface SliderParts {
  store: Store;
  variable: Variable;
  available: number;
  points: number;
}

/** Points by a slider or by typing; what they are worth is said beside it. */
function Slider({ store, variable, available, points }: SliderParts) {
  const { say, state, act } = store;
  const { least, most, step } = span(variable, available);
  const amount = say.money(worth(variable, points));
  const read = (event: Event) => act.slide(Number((event.currentTarget as HTMLInputElement).value));
  const bounds = { min: least, max: most, step, onInput: read };
  return (
    <div class="slider">
      <p class="worth" aria-hidden="true">
        {say("amount_off", { money: amount })}
      </p>
      <input
        type="range"
        aria-label={say("choose")}
        aria-valuetext={`${say.points(points)}, ${amount}`}
        value={points}
        {...bounds}
      />
      <label>
        <span>{say("choose")}</span>
        <input
          type="number"
          inputMode="numeric"
          value={state.points || ""}
          onChange={() => act.slide(points)}
          {...bounds}
        />
      </label>
    </div>
  );
}

function HandedOver({ store, claim }: { store: Store; claim: Claim }) {
  const { say, act } = store;
  return (
    <section class="chosen">
      <span class="tick">
        <Icon name="check" />
      </span>
      <h3 tabIndex={-1}>{say("done")}</h3>
      <p class="text">{say(claim.code ? "code_is" : "custom_done")}</p>
      <Ticket store={store} claim={claim} />
      <button class="main" onClick={() => act.look("codes")}>
        {say("done_button")}
      </button>
    </section>
  );
}
