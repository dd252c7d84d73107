/** How numbers and the name of points are said: what the loader needs of it. */

import type { Program } from "./shapes";

/** The order of a text's plural forms, as far as it has them; what it lacks is said by the second. */
const FORMS = ["one", "other", "two", "few", "many", "zero"];

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

/** The form of "one|other|…" for this number. */
export function choose(locale: string, text: string, value: number | bigint): string {
  const forms = text.split("|");
  return forms[FORMS.indexOf(new Intl.PluralRules(locale).select(Number(value)))] ?? forms[1] ?? text;
}

/** "29 points": in the program's own words, or by the language's text where it has none. */
export function points(program: Program, locale: string, value: number | bigint, text?: string): string {
  const { one, many } = program.program.points;
  // "point" is what a program says that was given no words of its own.
  const says = (one === "point" && text) || `{n} ${one}|{n} ${many}`;
  return choose(locale, says, value).replace("{n}", count(locale, value));
}
