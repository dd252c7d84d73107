/** Ways to earn, with what is done already, and the birthday, which is told once. */

import { h } from "preact";
import { Icon, Picture } from "./icons";
import type { Say, Unit } from "./say";
import type { Earning } from "./shapes";
import type { Store } from "./store";

/** "5 points for every £4": an exact fraction in whole numbers, unless those would be unwieldy. */
export function rateOf(say: Say, told: Pick<Earning, "rate" | "per_minor"> & Unit): string {
  const [points, units] = told.rate!;
  const [gives, per] = units <= 20 ? [points, units] : [points / units, 1];
  return say("rate", { points: say.points(gives), money: say.money(per * (told.per_minor ?? 1), told) });
}

/** What it gives, and on what terms. */
function terms(say: Say, earning: Earning): string {
  const { kind, points, rate, minimum_minor, text } = earning;
  const fixed = points ? say.points(Number(points)) : "";
  const gives = rate && kind === "purchase" ? rateOf(say, earning) : fixed;
  const from = minimum_minor ? say("min_order", { money: say.money(minimum_minor) }) : "";
  return [gives, from, text].filter(Boolean).join(" · ");
}

export function Earn({ store }: { store: Store }) {
  const { say, state, shop } = store;
  const earn = state.me?.earn ?? shop.program.earn;
  return (
    <ul class="rows">
      {earn.map((earning) => (
        <li class={earning.done ? "row past" : "row"}>
          <Picture kind={earning.kind} />
          <span class="grow">
            <strong>{earning.title || say.or(`earn_${earning.kind}`, "earn_other")}</strong>
            <span class="quiet">{terms(say, earning)}</span>
          </span>
          {earning.done && (
            <span class="badge claimed">
              <Icon name="check" />
              {say("got")}
            </span>
          )}
        </li>
      ))}
      {state.me?.customer.member && <Birthday store={store} />}
    </ul>
  );
}

function Birthday({ store: { say, state, act } }: { store: Store }) {
  const { birthday } = state.me!.customer;
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem("birthday");
    void act.saveBirthday((field as HTMLInputElement).value);
  };
  const bad = state.birthday === "bad" || state.birthday === "down";
  return (
    <li class="row">
      <Picture kind="birthday" />
      <div class="grow">
        <strong id="birthday">{say("birthday")}</strong>
        {birthday ? (
          <span class="quiet">
            {say.day(birthday)}
            {state.birthday === "saved" && ` · ${say("birthday_saved")}`}
          </span>
        ) : (
          <form noValidate onSubmit={save}>
            <span class="quiet" id="why">
              {say("birthday_why")}
            </span>
            <span class="field">
              <input
                type="date"
                name="birthday"
                min="1900-01-01"
                max={new Date().toISOString().slice(0, 10)}
                autocomplete="bday"
                aria-labelledby="birthday"
                aria-describedby="why"
                aria-invalid={bad}
              />
              <button class="small" type="submit" aria-busy={state.busy}>
                {say("birthday_save")}
              </button>
            </span>
            {bad && (
              <span class="quiet bad" role="alert">
                {say(state.birthday === "bad" ? "birthday_bad" : "down")}
              </span>
            )}
          </form>
        )}
      </div>
    </li>
  );
}
