// The sketch of the widget beside a form: it follows what is typed, before anything is saved.

/** White or near-black, whichever is easier to read on the colour. */
function onColour(colour: string): string {
  const linear = (place: number): number => {
    const part = parseInt(colour.slice(place, place + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * linear(1) + 0.7152 * linear(3) + 0.0722 * linear(5);
  return 1.05 / (luminance + 0.05) >= 4.5 ? "#ffffff" : "#111111";
}

function paint(preview: HTMLElement, colour: string): void {
  preview.style.setProperty("--preview", colour);
  preview.style.setProperty("--preview-on", onColour(colour));
}

/** Wires the page's form, if it has one, to its sketch. */
export function previewForms(): void {
  const preview = document.querySelector<HTMLElement>("[data-preview]");
  if (!preview) return;
  paint(preview, preview.dataset.color ?? "#2f5d50");
  document.querySelector("[data-preview-form]")?.addEventListener("input", (event) => {
    const field = event.target as HTMLInputElement;
    if (field.name === "color") paint(preview, field.value);
    if (field.name === "side") preview.dataset.side = field.value;
    for (const text of preview.querySelectorAll<HTMLElement>(`[data-preview-text="${CSS.escape(field.name)}"]`))
      text.textContent = field.value.trim() || (text.dataset.default ?? "");
  });
  const modes = document.querySelectorAll<HTMLButtonElement>("[data-preview-mode]");
  for (const button of modes)
    button.addEventListener("click", () => {
      preview.dataset.mode = button.dataset.previewMode;
      for (const other of modes) other.setAttribute("aria-pressed", String(other === button));
    });
}

/** A file may be dropped anywhere on the box around its field. */
export function dropFiles(): void {
  for (const box of document.querySelectorAll<HTMLElement>("[data-drop]")) {
    const field = box.querySelector<HTMLInputElement>("input[type=file]");
    if (!field) continue;
    for (const name of ["dragenter", "dragover"])
      box.addEventListener(name, (event) => {
        event.preventDefault();
        box.classList.add("drop-over");
      });
    box.addEventListener("dragleave", () => box.classList.remove("drop-over"));
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      box.classList.remove("drop-over");
      if (event.dataTransfer?.files.length) field.files = event.dataTransfer.files;
    });
  }
}
