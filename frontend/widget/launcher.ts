/** The button that opens the panel, in a shadow root where the page's styles do not reach. */

import styles from "./launcher.css";
import type { Program } from "./shapes";

const SVG = "http://www.w3.org/2000/svg";
const GIFT = "M4 11h16v9H4zM2.5 7h19v4h-19zM12 7v13M12 7S10.8 2.6 8 3.2 8.6 7 12 7s6.8-3.2 4-3.8S12 7 12 7";
const HEX = /^#[0-9a-f]{6}$/i;

/** The host in the page with its shadow root. Everything that the widget shows stands in it. */
export function makeHost(program: Program): HTMLElement {
  const host = document.createElement("div");
  host.id = "regulars-widget";
  const root = host.attachShadow({ mode: "open" });
  const content = document.createElement("div");
  content.dir = getComputedStyle(document.documentElement).direction;
  root.append(content);
  dress(root, coloursOf(program), styles);
  return host;
}

/** The shop's colour, and what is written on it, as styles. Anything but a plain colour could be more. */
export function coloursOf({ widget: { color, on_color } }: Program): string {
  const accent = HEX.test(color) ? color : "#1f5c4d";
  const on = HEX.test(on_color) ? on_color : "#fff";
  return `.launcher,.panel{--accent:${accent};--on:${on}}`;
}

/** Adds styles in the way that a strict Content-Security-Policy lets pass. */
export function dress(root: ShadowRoot, ...texts: string[]): void {
  const sheets = texts.map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...sheets];
}

export function makeLauncher(program: Program): HTMLButtonElement {
  const button = document.createElement("button");
  button.className = `launcher ${program.widget.side}`;
  button.type = "button";
  button.ariaHasPopup = "dialog";
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  icon.append(document.createElementNS(SVG, "path"));
  icon.firstElementChild!.setAttribute("d", GIFT);
  const label = document.createElement("span");
  label.textContent = program.widget.texts.launcher || program.widget.texts.title || program.program.name;
  button.append(icon, label);
  return button;
}
