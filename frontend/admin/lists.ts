// Lists by keyboard: j and k (or the arrows) move, Enter opens, / searches, left and right turn the page.
import { on } from "./pages";

export function browseLists(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/") {
      const search = document.querySelector<HTMLInputElement>('input[type="search"]');
      if (search === null) return;
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "j" || event.key === "ArrowDown") move(1, event);
    else if (event.key === "k" || event.key === "ArrowUp") move(-1, event);
    else if (event.key === "ArrowLeft") turn("a[data-newer]");
    else if (event.key === "ArrowRight") turn("a[data-older]");
  });
  on("click", "[data-list] tr[data-href]", (row, event) => {
    if ((event.target as HTMLElement).closest("a, button, input, select, label, summary") === null) open(row);
  });
}

function move(by: number, event: KeyboardEvent): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-list] tbody tr[data-href]")];
  if (rows.length === 0) return;
  event.preventDefault();
  const current = rows.findIndex((row) => row.classList.contains("is-current"));
  const next = rows[Math.max(0, Math.min(rows.length - 1, current + by))];
  if (next === undefined) return;
  if (current >= 0) rows[current]?.classList.remove("is-current");
  next.classList.add("is-current");
  next.querySelector<HTMLElement>("a")?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function turn(selector: string): void {
  document.querySelector<HTMLAnchorElement>(selector)?.click();
}

function open(row: HTMLElement): void {
  const href = row.dataset.href;
  if (href !== undefined) location.assign(href);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, dialog, [contenteditable]") !== null;
}
