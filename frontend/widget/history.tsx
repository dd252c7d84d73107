/** Every movement of the customer's points, newest first, each with its reason. */

import { Fragment, h } from "preact";
import type { Say } from "./say";
import type { Line } from "./shapes";
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
        <button type="button" class="second" aria-busy={state.busy} onClick={act.more}>
          {say(state.busy ? "sending" : "more")}
        </button>
      )}
    </>
  );
}

function HistoryLine({ say, line }: { say: Say; line: Line }) {
  const { at, points, kind, bucket, sentence, order } = line;
  return (
    <li>
      <div class="grow">
        <strong>{say.or(`line_${kind}`, "line_other")}</strong>
        {/* The server's sentences are English; in other languages the line's kind and its order say why. */}
        {say.lang === "en" && sentence && <span class="quiet">{sentence}</span>}
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
