/** Every movement of the customer's points, newest first, each with its reason. */

import { Fragment, h } from "preact";
import { rateOf } from "./earn";
import type { Say } from "./say";
import type { Line, Reason } from "./shapes";
import type { Store } from "./store";

export function HistoryList({ store }: { store: Store }) {
  const { say, state, act } = store;
  const { lines, next } = state.history;
  if (!lines.length) return <p class="empty">{say("no_history")}</p>;
  return (
    <>
      <ol class="lines">
        {lines.map((line) => (
          <HistoryLine say={say} line={line} />
        ))}
      </ol>
      {next && (
        <button class="second" aria-busy={state.busy} onClick={act.more}>
          {say(state.busy ? "sending" : "more")}
        </button>
      )}
    </>
  );
}

/** A sentence that says why; nothing for a code that these texts don't know. */
function why(say: Say, reason: Reason): string {
  const { code, points, money, rate, at } = reason;
  return say.or(`why_${code}`, "", {
    ...(reason as object),
    points: say.points(points ?? 0),
    ...(at && { date: say.day(at) }),
    ...(rate && { money: say.money(money!, reason), rate: rateOf(say, reason) }),
  });
}

function HistoryLine({ say, line }: { say: Say; line: Line }) {
  const { at, points, kind, bucket, sentence, reasons = [], order } = line;
  const said = reasons.map((reason) => why(say, reason)).join(" ") || (say.lang === "en" && sentence);
  return (
    <li>
      <div class="grow">
        <strong>{say.or(`line_${kind}`, "line_other")}</strong>
        {said && <span class="quiet">{said}</span>}
        <span class="quiet">
          {say.day(at)}
          {order && ` · ${say("order", { order })}`}
        </span>
      </div>
      <span class={points > 0 ? "sum plus" : "sum"}>
        <span dir="ltr">
          {points > 0 ? "+" : points < 0 ? "−" : ""}
          {say.number(Math.abs(points))}
        </span>
        {bucket === "pending" && <span class="badge">{say("pending_mark")}</span>}
      </span>
    </li>
  );
}
