/** Everything that is said, in the shopper's language: texts with plurals, points, money, days. */

import type { Program } from "./shapes";
import type { Texts } from "./texts/en";
import { count } from "./words";

type Facts = Record<string, string | number>;
export type Key = keyof Texts;

export interface Say {
  (key: Key, facts?: Facts): string;
  lang: string;
  /** The text of that key if there is one, else of the other. */
  or(key: string, other: Key, facts?: Facts): string;
  number(value: number): string;
  /** "29 points", "29 Punkte", or in the program's own words. */
  points(value: number): string;
  money(minor: number): string;
  day(at: string): string;
}

/** Each is a file of its own, fetched when it is spoken. */
const LANGUAGES: Record<string, () => Promise<Texts>> = {
  en: () => import("./texts/en").then(({ en }) => en),
  de: () => import("./texts/de").then(({ de }) => de),
  fr: () => import("./texts/fr").then(({ fr }) => fr),
  es: () => import("./texts/es").then(({ es }) => es),
};

/** The shop's language, then the page's, then the browser's: the first that there are texts for. */
export function languageOf(program: Program): string {
  const asked = [program.widget.language, document.documentElement.lang, ...navigator.languages, "en"];
  const found = asked.map((tag) => (tag ?? "").slice(0, 2).toLowerCase());
  return found.find((tag) => tag in LANGUAGES)!;
}

export async function learn(program: Program, locale: string): Promise<Say> {
  const lang = languageOf(program);
  const texts = await LANGUAGES[lang]!();
  // With its country where that is known: the fourth of December is written in many ways.
  const speaks = (tag: string) => tag.slice(0, 2).toLowerCase() === lang;
  const known = [locale, ...navigator.languages].filter(speaks);
  return speak(program, texts, lang, known.find((tag) => tag.length > 2) ?? lang);
}

function speak(program: Program, texts: Texts, lang: string, locale: string): Say {
  const { currency, exponent, points } = program.program;
  const plurals = new Intl.PluralRules(locale);
  const amounts = new Intl.NumberFormat(locale, {
    style: "currency",
    currency,
    maximumFractionDigits: exponent,
    trailingZeroDisplay: "stripIfInteger",
  } as Intl.NumberFormatOptions);
  // "point" is what a program says that was given no words of its own.
  const own = points.one !== "point" && `{n} ${points.one}|{n} ${points.many}`;

  const choose = (text: string, n: number): string => {
    const [one, many] = text.split("|");
    return (plurals.select(n) === "one" ? one : many) ?? text;
  };
  const say = ((key, facts = {}) => {
    let text = program.widget.texts[key] || texts[key];
    if ("n" in facts && text.includes("|")) text = choose(text, Number(facts.n));
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      const fact = facts[name] ?? "";
      return typeof fact === "number" ? say.number(fact) : fact;
    });
  }) as Say;
  say.lang = lang;
  say.or = (key, other, facts) => say(key in texts ? (key as Key) : other, facts);
  say.number = (value) => count(locale, value);
  say.points = (value) => choose(own || texts.points, Math.abs(value)).replace("{n}", say.number(value));
  say.money = (minor) => amounts.format(minor / 10 ** exponent);
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
