/** The top of the panel, in the shop's colour: a welcome, or a name and a balance. */

import { Fragment, h } from "preact";
import { Icon } from "./icons";
import { Bar } from "./rewards";
import type { Say } from "./say";
import type { Me, Points } from "./shapes";
import type { Store } from "./store";

export function Head({ store }: { store: Store }) {
  const { say, state, act } = store;
  const { phase, me } = state;
  if (phase === "loading") {
    return (
      <div class="head" aria-busy="true">
        <p class="unseen">{say("loading")}</p>
        <p class="blank" />
      </div>
    );
  }
  if (me) return <Balance say={say} me={me} />;
  if (phase === "out") return <Welcome store={store} />;
  const ended = phase === "ended";
  return (
    <div class="head" role="alert">
      <p>{say(ended ? "ended" : "down")}</p>
      <p class="links">
        <button onClick={ended ? () => location.reload() : act.refresh}>
          {say(ended ? "reload" : "again")}
        </button>
      </p>
    </div>
  );
}

function Welcome({ store: { say, shop } }: { store: Store }) {
  const { widget, program } = shop.program;
  return (
    <div class="head">
      <p class="welcome">{say("welcome")}</p>
      <p>{say("welcome_text", { program: program.name })}</p>
      <p class="links">
        {widget.signup_url && <a href={widget.signup_url}>{say("join")}</a>}
        {widget.login_url && (
          <a class="plain" href={widget.login_url}>
            {say("log_in")}
          </a>
        )}
      </p>
    </div>
  );
}

function Balance({ say, me }: { say: Say; me: Me }) {
  const { available, pending } = me.points;
  const { first_name, name, member, blocked } = me.customer;
  const who = first_name || name;
  // "29 points" with the number large, wherever the language puts it; some have a word for two that has none.
  const [before, after] = say.points(available).split(say.number(available));
  return (
    <div class="head">
      <p class="hello">{who ? say("hello", { name: who }) : say("hello_you")}</p>
      <p class="balance">
        <span class="unseen">{say("balance")}: </span>
        {after !== undefined && before}
        <b>{after === undefined ? before : say.number(available)}</b>
        {after}
      </p>
      {pending > 0 && (
        <p class="soon">
          <Icon name="clock" />
          <span>{soon(say, me.points)}</span>
        </p>
      )}
      {blocked || !member ? (
        <p>{say(blocked ? "blocked" : "not_a_member")}</p>
      ) : (
        <Progress say={say} me={me} />
      )}
    </div>
  );
}

/** What is pending, and when the next of it comes. */
function soon(say: Say, { pending, next_approval: next }: Points): string {
  const points = say.points(pending);
  if (!next) return say("pending", { points });
  const facts = { points, n: next.points, date: say.day(next.at) };
  return say(next.points < pending ? "pending_next" : "pending_until", facts);
}

/** How far it is to the nearest reward that is still out of reach. */
function Progress({ say, me: { rewards, points } }: { say: Say; me: Me }) {
  const missing = Math.min(...rewards.map(({ standing }) => standing!.missing || Infinity));
  const nearest = rewards.find(({ standing }) => standing!.missing === missing);
  const open = rewards.filter(({ standing }) => standing!.can).length;
  if (!nearest) return open ? <p>{say("enough")}</p> : null;
  return (
    <>
      <Bar available={points.available} missing={missing} />
      <p class="goal">{say("missing_for", { points: say.points(missing), reward: nearest.title })}</p>
      {open > 0 && <p class="goal">{say("can_have", { n: open })}</p>}
    </>
  );
}
