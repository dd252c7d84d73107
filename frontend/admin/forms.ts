// Forms that offer to save once something changed, and that say so before the page is left.
import { everywhere, on } from "./pages";

const changed = new Set<HTMLFormElement>();

export function watchForms(): void {
  everywhere("form[data-save-bar]", (element) => {
    const form = element as HTMLFormElement;
    const first = state(form);
    const look = (): void => show(form, state(form) !== first);
    form.addEventListener("input", look);
    form.addEventListener("change", look);
    form.addEventListener("reset", () => setTimeout(look));
    form.addEventListener("submit", () => changed.delete(form));
    if (form.querySelector(".is-invalid") !== null) show(form, true);
  });
  window.addEventListener("beforeunload", (event) => {
    if (changed.size > 0) event.preventDefault();
  });
  on("change", "form[data-submit-on-change] :is(select, input)", (field) => field.closest("form")?.requestSubmit());
  // After a refusal, the first field that is wrong is where one goes on.
  everywhere(".is-invalid", (field) => {
    if (field === document.querySelector(".is-invalid")) field.focus();
  });
}

function show(form: HTMLFormElement, isChanged: boolean): void {
  if (isChanged) changed.add(form);
  else changed.delete(form);
  const bar = form.querySelector<HTMLElement>(".save-bar");
  if (bar !== null) bar.hidden = !isChanged;
}

function state(form: HTMLFormElement): string {
  return JSON.stringify([...new FormData(form)].map(([name, value]) => [name, value instanceof File ? value.name : value]));
}
