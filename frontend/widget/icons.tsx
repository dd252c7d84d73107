/** Line icons on a grid of 24. Rewards name theirs; one that is not here is drawn by the reward's kind. */

import { h } from "preact";

const PATHS: Record<string, string> = {
  gift: "M4 11h16v9H4zM2.5 7h19v4h-19zM12 7v13M12 7S10.8 2.6 8 3.2 8.6 7 12 7s6.8-3.2 4-3.8S12 7 12 7",
  tag: "M3 12V4.5A1.5 1.5 0 0 1 4.5 3H12l9 9-9 9zM7.5 7.5h.01",
  percent: "M19 5 5 19M7.5 5a2.5 2.5 0 1 0 .01 0zM16.5 14a2.5 2.5 0 1 0 .01 0z",
  truck: "M2 6h12v11H2zM14 10h4l4 4v3h-8M6 15.5a2 2 0 1 0 .01 0zM17 15.5a2 2 0 1 0 .01 0z",
  star: "m12 3 3 6 6 1-4 4 1 6-6-3-6 3 1-6-4-4 6-1z",
  bag: "M5 8h14l1 12.5H4zM8.5 10.5V7a3.5 3.5 0 0 1 7 0v3.5",
  cake: "M4 20.5h16V14H4zM4 17.5h16M12 14v-4M12 4.5s2 1.7 2 3.2a2 2 0 0 1-4 0c0-1.5 2-3.2 2-3.2z",
  person: "M12 3.5a4 4 0 1 0 .01 0zM4 20.5c.6-4 4-6 8-6s7.4 2 8 6",
  check: "m5 12.5 4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6 6 18",
  back: "M19 12H5M11 6l-6 6 6 6",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  clock: "M12 3a9 9 0 1 0 .01 0zM12 7.5V12l3 2",
};

const OF_KINDS: Record<string, string> = {
  fixed_amount: "tag",
  percentage: "percent",
  variable_amount: "tag",
  free_shipping: "truck",
  free_product: "bag",
  custom: "star",
  purchase: "bag",
  join: "person",
  birthday: "cake",
};

export function Icon({ name }: { name: string }) {
  return (
    <svg class={name === "back" ? "icon turns" : "icon"} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The picture beside a reward or a way to earn. "gift" is what a reward has that was given none. */
export function Picture({ icon, kind }: { icon?: string; kind: string }) {
  const chosen = icon && icon !== "gift" && icon in PATHS ? icon : (OF_KINDS[kind] ?? "gift");
  return (
    <span class="picture">
      <Icon name={chosen} />
    </span>
  );
}
