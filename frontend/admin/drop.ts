// Files that are dropped on a box instead of chosen in its field.

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
