// What the admin's pages do in the browser. Every page works without it, but for charts.
import htmx from "htmx.org";
import { confirmFirst } from "./confirm";
import { dropFiles } from "./drop";
import { browseLists } from "./lists";
import { watchForms } from "./forms";
import { everywhere, on } from "./pages";

declare global {
  interface Window {
    htmx: typeof htmx;
  }
}
window.htmx = htmx;

// What htmx sends carries the token that says it is ours.
document.addEventListener("htmx:config:request", (event) => {
  const { ctx } = (event as CustomEvent).detail;
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
  ctx.request.headers["x-csrf"] = token;
});

confirmFirst();
browseLists();
watchForms();
dropFiles();

on("click", "[data-menu]", (button) => {
  const isOpen = document.body.classList.toggle("menu-open");
  for (const one of document.querySelectorAll("[data-menu]")) one.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) document.querySelector<HTMLElement>(".side a")?.focus();
  else button.focus();
});

document.addEventListener("click", (event) => {
  const target = event.target as HTMLElement;
  if (document.body.classList.contains("menu-open") && !target.closest(".side, [data-menu]")) closeMenu();
  for (const open of document.querySelectorAll<HTMLDetailsElement>("details.own-menu[open], details.switcher[open]"))
    if (!open.contains(target)) open.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  closeMenu();
  for (const open of document.querySelectorAll<HTMLDetailsElement>("details.own-menu[open], details.switcher[open]")) {
    open.open = false;
    open.querySelector("summary")?.focus();
  }
});

function closeMenu(): void {
  document.body.classList.remove("menu-open");
  for (const one of document.querySelectorAll("[data-menu]")) one.setAttribute("aria-expanded", "false");
}

on("click", "[data-close]", (button) => button.closest(".alert")?.remove());

on("click", "[data-copy]", async (button) => {
  const source = document.getElementById(button.dataset.copy ?? "");
  const text = source instanceof HTMLInputElement ? source.value : (source?.textContent ?? "");
  await navigator.clipboard.writeText(text);
  const label = button.querySelector("span");
  if (label === null || button.dataset.copied === undefined) return;
  const before = label.textContent;
  label.textContent = button.dataset.copied;
  setTimeout(() => (label.textContent = before), 2000);
});

// The policy forbids style attributes, so a bar says how long it is in data-share (0 to 1).
everywhere("[data-share]", (bar) => {
  bar.style.width = `${Math.max(0, Math.min(1, Number(bar.dataset.share))) * 100}%`;
});

everywhere("form[data-theme-form]", (form) => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  if (document.documentElement.dataset.theme !== "system" || form.dataset.watching) return;
  form.dataset.watching = "yes";
  system.addEventListener("change", () => {
    document.documentElement.dataset.bsTheme = system.matches ? "dark" : "light";
  });
});

// A new program's time zone is most likely the one of the browser.
everywhere('select[name="timezone"]', (select) => {
  const field = select as HTMLSelectElement;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (field.value === "UTC" && field.closest('form[action$="/programs/new"]') !== null)
    for (const option of field.options) if (option.value === here) field.value = here;
});

everywhere("canvas[data-chart]", (canvas) => {
  void import("./charts").then(({ draw }) => draw(canvas as HTMLCanvasElement));
});
