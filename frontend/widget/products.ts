/** What a product gives, by the rules that all may read: "39.99" in the page becomes a number of points. */

import { minorOf, pointsFor } from "./amounts";
import type { Shop } from "./shapes";
import { count, points } from "./words";

/** As the panel's texts name points, which a page need not fetch for that. English and French say "points". */
const NAMES: Record<string, string> = {
  de: "{n} Punkt|{n} Punkte",
  es: "{n} punto|{n} puntos",
  ar: "نقطة واحدة|{n} نقطة|نقطتان|{n} نقاط",
};

/** Elements with something that is no price stay as they are. */
export function fillProducts({ program, locale }: Shop): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-regulars-product-points]")) {
    const minor = minorOf(element.dataset.regularsProductPoints!, program.program.exponent);
    if (minor === null) continue;
    const gives = pointsFor(program.earn, minor);
    const named = "regularsUnit" in element.dataset;
    const says = named ? points(program, locale, gives, NAMES[locale.slice(0, 2)]) : count(locale, gives);
    if (element.textContent !== says) element.textContent = says;
    element.hidden = false;
  }
}
