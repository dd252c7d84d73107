// Before what can't be undone is done, the page asks: buttons with data-confirm say what would happen.
import { on } from "./pages";

let agreed: HTMLElement | null = null;

export function confirmFirst(): void {
  on("click", "button[data-confirm]", (button, event) => {
    if (agreed === button) {
      agreed = null;
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    ask(button as HTMLButtonElement);
  });
}

function ask(button: HTMLButtonElement): void {
  const dialog = document.querySelector<HTMLDialogElement>("#confirm");
  if (dialog === null) return;
  write("#confirm-title", button.dataset.confirmTitle ?? "");
  write("#confirm-text", button.dataset.confirm ?? "");
  write("#confirm-yes", button.dataset.confirmYes ?? "OK");
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "yes") {
        button.focus();
        return;
      }
      agreed = button;
      button.click();
    },
    { once: true },
  );
  dialog.returnValue = "";
  dialog.showModal();
}

function write(selector: string, text: string): void {
  const element = document.querySelector(selector);
  if (element !== null) element.textContent = text;
}
