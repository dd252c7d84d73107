/** Stands in the head of a shop's pages. Draws the launcher, says what products give, and fetches the panel
 * when it is first needed. Whatever fails, the page is as if this were not there. */

import { makeHost, makeLauncher } from "./launcher";
import { fillProducts } from "./products";
import type { Panel, Program, Shop, Tab } from "./shapes";
import { localeOf } from "./words";

/** The panel's file, written in by the build. */
declare const PANEL: string;

declare global {
  interface Window {
    lootlyWidgetInit?: () => void;
    openLootlyWidget?: (view?: string) => void;
  }
}

const TABS: Record<string, Tab> = {
  "earn-points": "earn",
  "get-coupon": "spend",
  "my-codes": "codes",
  history: "history",
};
const NEED_THE_PANEL = "[data-regulars-points],[data-regulars-rewards]";

const script = document.currentScript as HTMLScriptElement | null;
let shop: Promise<Begun> | null = null;
let host: HTMLElement | undefined;
let written = "";
let tries = 0;

/** A shop with its panel, once that is asked for. */
interface Begun extends Shop {
  panel?: Promise<Panel>;
}

const quietly = (work: Promise<unknown>) => void work.catch(() => {});

async function begin(place: HTMLElement): Promise<Begun> {
  const { apiKey, site, provider } = place.dataset;
  const base = (provider || new URL(script!.src).origin).replace(/\/+$/, "");
  const name = new URLSearchParams(apiKey ? { key: apiKey } : { site: site! });
  const answer = await fetch(`${base}/storefront/v1/program?${name}`, {
    credentials: "omit",
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw answer.status;
  const program: Program = await answer.json();
  host?.remove();
  host = makeHost(program);
  const made: Begun = { program, base, place, root: host.shadowRoot!, locale: localeOf(program) };
  if (program.widget.enabled) {
    const launcher = makeLauncher(program);
    launcher.onpointerenter = launcher.onfocus = () => quietly(fetched(made));
    launcher.onclick = () => open();
    made.root.firstElementChild!.append(launcher);
  }
  document.body.append(host);
  return made;
}

/** The panel, fetched once; a failed attempt is followed by another when it is next asked for. */
function fetched(made: Begun): Promise<Panel> {
  made.panel ??= import(`${made.base}/storefront/${PANEL}${tries ? `?${tries}` : ""}`).then(
    ({ mount }) => mount(made),
    (error: unknown) => {
      delete made.panel;
      tries++;
      throw error;
    },
  );
  return made.panel!;
}

/** Looks at the page again: one that changes by script calls it, and it may be called at any time. */
function init(): void {
  const places = document.querySelectorAll<HTMLElement>("#lootly-widget,.lootly-init");
  const place = [...places].find(({ dataset }) => dataset.apiKey || dataset.site);
  if (!place || !("adoptedStyleSheets" in document)) return;
  const says = JSON.stringify(place.dataset);
  if (says !== written || !shop) {
    written = says;
    shop = begin(place);
    shop.catch(() => (shop = null));
  }
  quietly(
    shop.then((made) => {
      made.place = place;
      if (!host!.isConnected) document.body.append(host!);
      fillProducts(made);
      if (document.querySelector(NEED_THE_PANEL)) return fetched(made).then((it) => it.fill());
    }),
  );
}

function open(view = ""): void {
  if (!shop) init();
  if (shop) quietly(shop.then(fetched).then((it) => it.open(TABS[view])));
}

function start(): void {
  init();
  const view = new URLSearchParams(location.search).get("lourl") ?? "";
  if (TABS[view]) open(view);
  // Where the server is down, a link goes on leading where it leads.
  document.addEventListener("click", (event) => {
    const opener = (event.target as Element).closest?.("[data-regulars-open]");
    if (!opener || !shop) return;
    event.preventDefault();
    open(opener.getAttribute("data-regulars-open")!);
  });
  // A page that lets the shopper choose a variant writes another price into the element.
  new MutationObserver(() => shop && quietly(shop.then(fillProducts))).observe(document, {
    subtree: true,
    attributeFilter: ["data-regulars-product-points"],
  });
}

// A page that loads this twice has one widget all the same.
if (!window.lootlyWidgetInit) {
  window.lootlyWidgetInit = init;
  window.openLootlyWidget = open;
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
}
