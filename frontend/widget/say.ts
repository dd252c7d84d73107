/** Everything that is said, in the shopper's language: texts with plurals, points, money, days. */

import type { Program } from "./shapes";
import type { Texts } from "./texts/en";
import { choose, count, points } from "./words";

type Facts = Record<string, string | number>;
export type Unit = { currency?: string; exponent?: number };
export type Key = keyof Texts;

export interface Say {
  (key: Key, facts?: Facts): string;
  lang: string;
  /** "rtl" where the language runs from right to left; else "", which is as the page runs. */
  dir: string;
  /** The text of that key if there is one, else of the other. */
  or(key: string, other: Key | "", facts?: Facts): string;
  number(value: number): string;
  /** "29 points", "29 Punkte", or in the program's own words. */
  points(value: number): string;
  /** In the program's currency unless told otherwise. */
  money(minor: number, unit?: Unit): string;
  day(at: string): string;
}

/** Each is a file of its own, fetched when it is spoken. */
const LANGUAGES: Record<string, () => Promise<{ default: Texts }>> = {
  en: () => import("./texts/en"),
  de: () => import("./texts/de"),
  fr: () => import("./texts/fr"),
  es: () => import("./texts/es"),
  ar: () => import("./texts/ar"),
};

/** The shop's language, then the page's, then the browser's: the first that there are texts for. */
export function languageOf(program: Program): string {
  const asked = [program.widget.language, document.documentElement.lang, ...navigator.languages, "en"];
  const found = asked.map((tag) => (tag ?? "").slice(0, 2).toLowerCase());
  return found.find((tag) => tag in LANGUAGES)!;
}

export async function learn(program: Program, locale: string): Promise<Say> {
  const lang = languageOf(program);
  const { default: texts } = await LANGUAGES[lang]!();
  // With its country where that is known: the fourth of December is written in many ways.
  const speaks = (tag: string) => tag.slice(0, 2).toLowerCase() === lang;
  const known = [locale, ...navigator.languages].filter(speaks);
  return speak(program, texts, lang, known.find((tag) => tag.length > 2) ?? lang);
}

function speak(program: Program, texts: Texts, lang: string, locale: string): Say {
  const say = ((key, facts = {}) => {
    let text = program.widget.texts[key] || texts[key] || "";
    if ("n" in facts) text = choose(locale, text, Number(facts.n));
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      const fact = facts[name] ?? "";
      if (typeof fact === "number") return say.number(fact);
      // Isolated, so that "£5 off" keeps its order among words that run the other way.
      return say.dir ? `\u2068${fact}\u2069` : fact;
    });
  }) as Say;
  say.lang = lang;
  say.dir = texts.dir;
  say.or = (key, other, facts) => say((key in texts ? key : other) as Key, facts);
  say.number = (value) => count(locale, value);
  say.points = (value) => points(program, locale, value, texts.points);
  say.money = (minor, unit) => {
    const { currency, exponent } = { ...program.program, ...unit };
    return new Intl.NumberFormat(locale, {
      style: "currency",
      currency,
      currencyDisplay: "narrowSymbol",
      maximumFractionDigits: exponent,
      trailingZeroDisplay: "stripIfInteger",
    } as Intl.NumberFormatOptions).format(minor / 10 ** exponent);
  };
  say.day = (at) => {
    const date = new Date(at);
    const isThisYear = date.getFullYear() === new Date().getFullYear();
    return date.toLocaleDateString(locale, {
      day: "numeric",
      month: "short",
      year: isThisYear ? undefined : "numeric",
      // A day without a time, such as a birthday, is the same everywhere.
      timeZone: at.length > 10 ? undefined : "UTC",
    });
  };
  return say;
}
