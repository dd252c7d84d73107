/** What a product gives, by the rules that all may read: "39.99" in the page becomes a number of points. */

import { minorOf, pointsFor } from "./amounts";
import type { Shop } from "./shapes";
import { show } from "./words";

/** Elements with something that is no price stay as they are. */
export function fillProducts({ program, locale }: Shop): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-regulars-product-points]")) {
    const minor = minorOf(element.dataset.regularsProductPoints!, program.program.exponent);
    if (minor !== null) show(element, program, locale, pointsFor(program.earn, minor));
  }
}
