/** Exact arithmetic with whole numbers: what a price gives in points, what points are worth in money. */

import type { Earning, Variable } from "./shapes";

/** Minor units of "39.99", half a unit rounded up; null unless it is a plain decimal. */
export function minorOf(text: string, exponent: number): bigint | null {
  const match = /^\s*(\d{1,13})(?:[.,](\d{1,4}))?\s*$/.exec(text);
  if (!match) return null;
  const decimals = (match[2] ?? "").padEnd(exponent + 1, "0");
  const minor = BigInt(match[1] + decimals.slice(0, exponent));
  return decimals.charAt(exponent) >= "5" ? minor + BigInt(1) : minor;
}

/** Points that a price gives by the public rules: fractions are exact, and floored once a rule. */
export function pointsFor(earn: Earning[], minor: bigint): bigint {
  let points = BigInt(0);
  for (const { kind, rate, per_minor, whole_units_only, minimum_minor } of earn) {
    if (kind !== "purchase" || !rate || !per_minor || minor < BigInt(minimum_minor ?? 0)) continue;
    const unit = BigInt(per_minor);
    const counted = whole_units_only ? minor - (minor % unit) : minor;
    points += (counted * BigInt(rate[0])) / (unit * BigInt(rate[1]));
  }
  return points;
}

/** What `points` are worth in minor units, rounded down. */
export function worth(variable: Variable, points: number): number {
  return Number((BigInt(points) * BigInt(variable.per_minor)) / BigInt(variable.per_points));
}

/** The points on the reward's steps that are nearest below, within what may be spent. */
export function fitted(variable: Variable, available: number, points: number): number {
  const { least, most, step } = span(variable, available);
  return Math.min(most, least + Math.max(0, Math.floor((points - least) / step)) * step);
}

/** The least and the most points that may be spent at once, on the reward's own steps. */
export function span(variable: Variable, available: number): { least: number; most: number; step: number } {
  const step = variable.step || 1;
  const least = variable.minimum || step;
  const room = Math.min(variable.maximum ?? available, available) - least;
  return { least, most: least + Math.max(0, Math.floor(room / step)) * step, step };
}
