/** The panel: a dialog in the widget's shadow root. Fetched by the loader when it is first needed. */

import { Fragment, h, render } from "preact";
import { Codes } from "./codes";
import { connect } from "./connection";
import { Earn } from "./earn";
import { Head } from "./head";
import { HistoryList } from "./history";
import { Icon } from "./icons";
import styles from "./panel.css";
import { Chosen, RewardRow, Rewards } from "./rewards";
import { learn, type Say } from "./say";
import type { Panel, Program, Shop, Tab } from "./shapes";
import { makeStore, type State, type Store } from "./store";
import { count } from "./words";

type Bucket = "available" | "pending" | "spent";
type Open = Panel["open"];

const CONTENTS = { spend: Rewards, earn: Earn, codes: Codes, history: HistoryList };

export async function mount(shop: Shop): Promise<Panel> {
  const say = await learn(shop.program, shop.locale);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  // The first of the loader's is the shop's colours.
  const dress = [shop.root.adoptedStyleSheets[0]!, sheet];
  shop.root.adoptedStyleSheets.push(sheet);
  const dialog = makeDialog(shop.program, say);
  shop.root.firstElementChild!.append(dialog);

  const lists: HTMLElement[] = [];
  const store = makeStore(shop, say, connect(shop.base, shop.place.dataset), draw);
  let drawn = viewOf(store.state);

  function draw(): void {
    for (const list of lists) render(<List store={store} open={open} />, list);
    writePoints(store);
    if (!dialog.open) return;
    render(<App store={store} close={() => dialog.close()} />, dialog);
    const now = viewOf(store.state);
    if (now.join() !== drawn.join()) arrive(dialog, now, drawn);
    drawn = now;
  }

  function open(tab?: Tab, rewardId?: number): void {
    if (!dialog.open) dialog.showModal();
    if (tab) store.act.look(tab);
    else draw();
    dialog.querySelector<HTMLElement>("h2")!.focus();
    void store.act.refresh().then(() => {
      const reward = store.state.me?.rewards.find(({ id }) => id === rewardId);
      if (reward) store.act.choose(reward);
    });
  }

  // Only the ground around the sheet is the dialog itself.
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener("close", () => store.act.leave());

  function fill(): void {
    for (const element of document.querySelectorAll<HTMLElement>("[data-regulars-rewards]")) {
      if (!element.shadowRoot) lists.push(makeList(element, say, dress));
    }
    draw();
    void store.act.refresh();
  }

  return { open, fill };
}

function makeDialog({ widget }: Program, { lang, dir }: Say): HTMLDialogElement {
  const dialog = document.createElement("dialog");
  dialog.className = `panel sheet ${widget.side}`;
  dialog.lang = lang;
  dialog.dir = dir;
  dialog.setAttribute("aria-labelledby", "title");
  return dialog;
}

/** A place for the rewards in the shop's own page, in a shadow root of its own. */
function makeList(element: HTMLElement, { lang, dir }: Say, dress: CSSStyleSheet[]): HTMLElement {
  const root = element.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = dress;
  const list = document.createElement("div");
  list.className = "panel list";
  list.lang = lang;
  list.dir = dir || getComputedStyle(element).direction;
  root.append(list);
  element.hidden = false;
  return list;
}

function writePoints({ shop, say, state }: Store): void {
  if (!state.me) return;
  for (const element of document.querySelectorAll<HTMLElement>("[data-regulars-points]")) {
    const number = state.me.points[(element.dataset.regularsPoints || "available") as Bucket];
    if (typeof number !== "number") continue;
    element.textContent = "regularsUnit" in element.dataset ? say.points(number) : count(shop.locale, number);
    element.hidden = false;
  }
}

function viewOf({ chosen, claim, tab }: State) {
  return [chosen?.id ?? 0, claim?.id ?? 0, tab];
}

/** Another view begins at its top, and takes the focus to its heading or back to where one came from. */
function arrive(dialog: HTMLElement, now: unknown[], before: unknown[]): void {
  const heading = now[0] ? ".chosen h3" : before[0] && before[2] === now[2] ? `#reward-${before[0]}` : "";
  dialog.firstElementChild!.scrollTop = 0;
  dialog.querySelector<HTMLElement>(heading || "[aria-selected=true]")?.focus();
}

function App({ store, close }: { store: Store; close: () => void }) {
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

/** The rewards in the shop's own page: each leads into the panel. */
function List({ store, open }: { store: Store; open: Open }) {
  const { state, shop } = store;
  const rewards = state.me?.rewards ?? shop.program.rewards;
  return (
    <ul class="rows">
      {rewards.map((reward) => (
        <RewardRow key={reward.id} store={store} reward={reward} onPick={() => open("spend", reward.id)} />
      ))}
    </ul>
  );
}
