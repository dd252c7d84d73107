/** What stands in the panel, for the one in shops' pages and the one that the admin shows beside its form. */

import { Fragment, h } from "preact";
import { Codes } from "./codes";
import { Earn } from "./earn";
import { Head } from "./head";
import { HistoryList } from "./history";
import { Icon } from "./icons";
import { Chosen, Rewards } from "./rewards";
import type { Tab } from "./shapes";
import type { State, Store } from "./store";

const CONTENTS = { spend: Rewards, earn: Earn, codes: Codes, history: HistoryList };

/** What is looked at: it is another view when one of these changes. */
export function viewOf({ chosen, claim, tab }: State) {
  return [chosen?.id ?? 0, claim?.id ?? 0, tab];
}

/** Another view begins at its top, and takes the focus to its heading or back to where one came from. */
export function arrive(panel: HTMLElement, now: unknown[], before: unknown[]): void {
  const heading = now[0] ? ".chosen h3" : before[0] && before[2] === now[2] ? `#reward-${before[0]}` : "";
  panel.firstElementChild!.scrollTop = 0;
  panel.querySelector<HTMLElement>(heading || "[aria-selected=true]")?.focus();
}

export function App({ store, close }: { store: Store; close: () => void }) {
  const { say, state, act, shop } = store;
  const { chosen } = state;
  return (
    <div class="scroll">
      <header class="top">
        {chosen && (
          <button class="round" aria-label={say("back")} onClick={act.leave}>
            <Icon name="back" />
          </button>
        )}
        <h2 id="title" tabIndex={-1}>
          {shop.program.widget.texts.title || shop.program.program.name}
        </h2>
        <button class="round" aria-label={say("close")} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {chosen ? <Chosen key={chosen.id} store={store} reward={chosen} /> : <Overview store={store} />}
      <p class="unseen" role="status">
        {state.said}
      </p>
    </div>
  );
}

/** Who is there and what they have; below it what there is to do. */
function Overview({ store }: { store: Store }) {
  const { say, state, act } = store;
  const tabs: Tab[] = state.me ? ["spend", "earn", "codes", "history"] : ["spend", "earn"];
  const tab = tabs.includes(state.tab) ? state.tab : "spend";
  const Content = CONTENTS[tab];
  const turn = (event: KeyboardEvent) => {
    const { direction } = getComputedStyle(event.currentTarget as Element);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) act.look(tabs.at((tabs.indexOf(tab) + (direction === "rtl" ? -step : step)) % tabs.length)!);
  };
  return (
    <>
      <Head store={store} />
      {/* Tiers and referrals get their places here, between who one is and what there is to do. */}
      <div class="tabs" role="tablist" aria-labelledby="title" onKeyDown={turn}>
        {tabs.map((name) => (
          <button
            role="tab"
            id={`tab-${name}`}
            aria-selected={name === tab}
            aria-controls="tab"
            tabIndex={name === tab ? 0 : -1}
            onClick={() => act.look(name)}
          >
            {say(name)}
          </button>
        ))}
      </div>
      <div class="tab" role="tabpanel" id="tab" aria-labelledby={`tab-${tab}`}>
        <Content store={store} />
      </div>
    </>
  );
}
