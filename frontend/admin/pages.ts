// Finding things on a page, now and in the parts that htmx brings later.

/** Calls `act` when `type` happens on an element that matches, whenever that came onto the page. */
export function on(type: string, selector: string, act: (element: HTMLElement, event: Event) => void): void {
  document.addEventListener(type, (event) => {
    const found = (event.target as HTMLElement).closest<HTMLElement>(selector);
    if (found !== null) act(found, event);
  });
}

/** Calls `act` for every element that matches: those that are there, and those that come. */
export function everywhere(selector: string, act: (element: HTMLElement) => void): void {
  const seen = new WeakSet<Element>();
  const look = (): void => {
    for (const element of document.querySelectorAll<HTMLElement>(selector)) {
      if (seen.has(element)) continue;
      seen.add(element);
      act(element);
    }
  };
  look();
  document.addEventListener("htmx:after:swap", look);
}
