/** How numbers and the name of points are said: what the loader needs of it. */

import type { Program } from "./shapes";

/** The first that Intl can speak: by the program's settings, else the page's, else the browser's. */
export function localeOf(program: Program): string {
  const { lang } = document.documentElement;
  for (const tag of [program.widget.language, lang, navigator.language]) {
    try {
      if (tag && Intl.NumberFormat.supportedLocalesOf(tag)[0]) return tag;
    } catch {
      // Not a language tag; the next may be one.
    }
  }
  return "en";
}

export function count(locale: string, value: number | bigint): string {
  return new Intl.NumberFormat(locale).format(value);
}

/** Writes a number of points into an element of the shop's page, with their name if it asks for that. */
export function show(element: HTMLElement, program: Program, locale: string, value: number | bigint): void {
  const { one, many } = program.program.points;
  const name = new Intl.PluralRules(locale).select(Number(value)) === "one" ? one : many;
  const says = count(locale, value) + ("regularsUnit" in element.dataset ? ` ${name}` : "");
  if (element.textContent !== says) element.textContent = says;
  element.hidden = false;
}
