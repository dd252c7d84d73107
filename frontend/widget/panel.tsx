/** The panel: a dialog in the widget's shadow root. Fetched by the loader when it is first needed. */

import { h, render } from "preact";
import { App, arrive, viewOf } from "./app";
import { connect } from "./connection";
import styles from "./panel.css";
import { RewardRow } from "./rewards";
import { learn, type Say } from "./say";
import type { Panel, Program, Shop, Tab } from "./shapes";
import { makeStore, type Store } from "./store";
import { count } from "./words";

type Bucket = "available" | "pending" | "spent";
type Open = Panel["open"];

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
