/* A redeemed code goes into the basket's field, as any shop can do it: the widget tells the page of it. */
document.addEventListener("widgetRewardRedeemed", (event) => {
  const code = event.detail?.coupon?.coupon_code;
  if (!code) return;
  const field = document.getElementById("code");
  if (field) {
    field.value = code;
    field.focus();
    return;
  }
  sessionStorage.setItem("code", code);
  const note = document.querySelector(".said.coupon");
  note.textContent = `Your code ${code} waits in the basket.`;
  note.hidden = false;
});
document.addEventListener("DOMContentLoaded", () => {
  const field = document.getElementById("code");
  const code = sessionStorage.getItem("code");
  if (!field || !code) return;
  sessionStorage.removeItem("code");
  if (!field.value) {
    field.value = code;
    field.form.requestSubmit();
  }
});
