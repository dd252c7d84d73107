/** The panel in the admin, beside the form that changes it: the real one, open, with a customer who is made up.
 * It follows what is typed and talks with nobody. */

import { h, render } from "preact";
import { minorOf } from "./amounts";
import { App, arrive, viewOf } from "./app";
import { coloursOf, makeHost, makeLauncher } from "./launcher";
import panelStyles from "./panel.css";
import previewStyles from "./preview.css";
import { sampleConnection, type Sample } from "./sample";
import { learn } from "./say";
import type { Program, Shop, Tab } from "./shapes";
import { makeStore, type Store } from "./store";
import { localeOf } from "./words";

type Field = (name: string) => string;

/** White or near-black, whichever is easier to read on the colour: as the server chooses it. */
function onColour(colour: string): string {
  const linear = (place: number): number => {
    const part = parseInt(colour.slice(place, place + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * linear(1) + 0.7152 * linear(3) + 0.0722 * linear(5);
  return 1.05 / (luminance + 0.05) >= 4.5 ? "#ffffff" : "#111111";
}

function followWidget({ widget }: Program, said: Field): void {
  const color = said("color");
  Object.assign(widget, { color, on_color: onColour(color), side: said("side"), language: said("language") || null });
  for (const name of ["title", "welcome", "launcher", "join"]) widget.texts[name] = said(name) || null;
  // The buttons are there as they will be, and lead nowhere.
  widget.login_url = said("login_url") && "#";
  widget.signup_url = said("signup_url") && "#";
}

/** The form is about the only reward that the sample has, and its customer can always have it. */
function followReward({ program, me }: Sample, said: Field): void {
  const number = (name: string) => Math.max(0, parseInt(said(name), 10) || 0);
  const money = (name: string) => Number(minorOf(said(name), program.program.exponent) ?? 0);
  for (const reward of [...program.rewards, ...me.rewards]) {
    reward.title = said("title") || "…";
    reward.text = said("text");
    reward.cost = number("cost");
    reward.valid_days = number("valid_days") || null;
    reward.minimum_order_minor = money("minimum_order_minor");
    if (!reward.variable) continue;
    const [per_points, minimum] = [number("per_points") || 1, number("minimum_points")];
    const [maximum, step] = [number("maximum_points") || null, number("step_points") || null];
    reward.variable = { per_points, per_minor: money("per_minor"), minimum, maximum, step };
  }
  Object.assign(me, { claims: [], history: { lines: [], next: null } });
  const { cost, variable } = me.rewards[0]!;
  me.points.available = Math.max(100, 2 * (variable ? variable.minimum || variable.step || 0 : cost));
}

function makePanel(): HTMLElement {
  const panel = document.createElement("div");
  panel.setAttribute("role", "group");
  panel.setAttribute("aria-labelledby", "title");
  return panel;
}

/** Sets light or dark for good, whatever the screen around it is. */
function makeStyles(): (scheme: string) => CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(panelStyles + previewStyles);
  const media = [...sheet.cssRules].filter((rule) => rule instanceof CSSMediaRule).map(({ media }) => media);
  const dark = media.filter(({ mediaText }) => mediaText.includes("prefers-color-scheme"));
  return (scheme) => {
    for (const list of dark) list.mediaText = scheme === "dark" ? "all" : "not all";
    return sheet;
  };
}

function show(place: HTMLElement, form: HTMLFormElement, sample: Sample): void {
  const { program } = sample;
  const isReward = place.dataset.preview === "reward";
  const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement | null;
  const said: Field = (name) => field(name)?.value.trim() ?? "";
  const follow = () => (isReward ? followReward(sample, said) : followWidget(program, said));
  const host = makeHost(program);
  const root = host.shadowRoot!;
  const shop: Shop = { program, base: "", place: document.createElement("div"), root, locale: "" };
  const styles = makeStyles();
  const panel = makePanel();
  let launcher = makeLauncher(program);
  let store: Store | undefined;
  let mode = isReward ? "member" : "guest";
  let drawn: unknown[] = [];
  let begun = 0;

  function draw(): void {
    if (!store) return;
    render(<App store={store} close={close} />, panel);
    const now = viewOf(store.state);
    // The focus stays in the form while somebody types there.
    if (root.activeElement && now.join() !== drawn.join()) arrive(panel, now, drawn);
    drawn = now;
  }

  /** As in a shop, where there is a button to open it again. */
  function close(): void {
    if (launcher.hidden) return store?.act.leave();
    panel.hidden = true;
    launcher.focus();
  }

  function open(): void {
    panel.hidden = false;
    panel.querySelector<HTMLElement>("h2")?.focus();
  }

  /** Another customer, or another language. */
  async function begin(): Promise<void> {
    const mine = ++begun;
    const tab: Tab = store?.state.tab ?? "spend";
    shop.locale = localeOf(program);
    const say = await learn(program, shop.locale);
    if (mine !== begun) return;
    store = makeStore(shop, say, sampleConnection(sample, mode === "member"), draw);
    Object.assign(store.state, { tab });
    Object.assign(panel, { lang: say.lang, dir: say.dir });
    await store.act.refresh();
  }

  function dress(): void {
    (root.adoptedStyleSheets[0] as CSSStyleSheet).replaceSync(coloursOf(program));
    panel.className = `panel sheet ${program.widget.side}`;
    const made = makeLauncher(program);
    made.onclick = open;
    made.hidden = isReward || field("enabled")?.checked === false;
    launcher.replaceWith(made);
    launcher = made;
    if (made.hidden) panel.hidden = false;
  }

  async function typed(): Promise<void> {
    const { language } = program.widget;
    follow();
    dress();
    if (language !== program.widget.language) return begin();
    if (!isReward) return draw();
    await store?.act.refresh();
    const chosen = store?.state.chosen && store.state.me?.rewards[0];
    if (chosen) store!.act.choose(chosen);
  }

  function press(button: HTMLElement): void {
    const { previewMode, previewScheme } = button.dataset;
    if (previewScheme) styles((place.dataset.scheme = previewScheme));
    const isOther = previewMode && previewMode !== mode;
    if (previewMode) mode = previewMode;
    const kind = previewMode ? "[data-preview-mode]" : "[data-preview-scheme]";
    for (const one of document.querySelectorAll(kind)) one.setAttribute("aria-pressed", String(one === button));
    if (isOther) void begin();
  }

  follow();
  root.adoptedStyleSheets.push(styles("light"));
  root.firstElementChild!.append(panel, launcher);
  dress();
  place.replaceChildren(host);
  const buttons = [...document.querySelectorAll<HTMLElement>("[data-preview-mode],[data-preview-scheme]")];
  for (const button of buttons) button.addEventListener("click", () => press(button));
  const { bsTheme = "light" } = document.documentElement.dataset;
  press(buttons.find(({ dataset }) => dataset.previewScheme === bsTheme) ?? buttons.at(-1)!);
  form.addEventListener("input", () => void typed());
  form.addEventListener("reset", () => setTimeout(() => void typed()));
  // Whoever came in by the keyboard gets out at once.
  place.addEventListener("keydown", ({ key }) => key === "Escape" && buttons[0]?.focus());
  for (const type of ["click", "auxclick"])
    root.addEventListener(type, (event) => (event.target as Element).closest("a") && event.preventDefault());
  void begin();
}

const place = document.querySelector<HTMLElement>("[data-preview]");
const form = document.querySelector<HTMLFormElement>("[data-preview-form] form");
const told = document.querySelector("#preview-sample")?.textContent;
if (place && form && told) show(place, form, JSON.parse(told));
