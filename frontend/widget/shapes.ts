/** What the storefront door answers, as far as the widget reads it, and what the loader and the panel share.
 * Points and money are whole numbers; times are ISO 8601. */

export interface Program {
  program: { name: string; currency: string; exponent: number; points: { one: string; many: string } };
  widget: {
    enabled: boolean;
    color: string;
    on_color: string;
    side: string;
    language: string | null;
    texts: Record<string, string | null>;
    login_url: string | null;
    signup_url: string | null;
    needs_token_to_redeem: boolean;
  };
  earn: Earning[];
  rewards: Reward[];
}

export interface Earning {
  kind: string;
  title?: string;
  text?: string;
  points?: number | string;
  /** Of a purchase: points for `per_minor` of money, as a fraction. */
  rate?: [number, number];
  per_minor?: number;
  whole_units_only?: boolean;
  minimum_minor?: number;
  done?: boolean;
}

export interface Variable {
  per_points: number;
  per_minor: number;
  minimum: number | null;
  maximum: number | null;
  step: number | null;
}

export interface Reward {
  id: number;
  kind: string;
  title: string;
  text: string;
  icon: string;
  cost: number;
  amount_minor: number | null;
  percent: number | null;
  variable: Variable | null;
  minimum_order_minor: number;
  valid_days: number | null;
  out_of_stock: boolean;
  standing?: Standing;
}

/** Whether the customer can have a reward now, and if not, why. */
export interface Standing {
  can: boolean;
  why?: string;
  missing?: number;
  until?: string | null;
  tiers?: string[];
}

export interface Claim {
  id: number;
  reward_id: number;
  title: string;
  kind: string;
  amount_minor: number | null;
  percent: number | null;
  cost: number;
  code: string | null;
  state: "claimed" | "used" | "cancelled" | "expired";
  claimed_at: string;
  expires_at: string | null;
  used_at: string | null;
  order: string | null;
  fulfilled_at: string | null;
  instructions: string;
}

export interface Points {
  available: number;
  pending: number;
  spent: number;
  next_approval: { points: number; at: string } | null;
}

export interface Line {
  at: string;
  points: number;
  kind: string;
  bucket: string;
  /** Why, in English. */
  sentence: string;
  /** Why, for words of our own; a server of before has none. */
  reasons?: Reason[];
  order: string | null;
}

/** A code, and what its sentence is filled with. `money` is of the order's own currency. */
export interface Reason {
  code: string;
  points?: number;
  n?: number;
  given?: number;
  title?: string;
  note?: string;
  at?: string;
  money?: number;
  currency?: string;
  exponent?: number;
  rate?: [number, number];
  per_minor?: number;
}

export interface History {
  lines: Line[];
  next: string | null;
}

export interface Customer {
  merchant_id: string;
  first_name: string | null;
  name: string | null;
  member: boolean;
  blocked: boolean;
  birthday: string | null;
}

export interface Me {
  customer: Customer;
  points: Points;
  earn: Earning[];
  rewards: Reward[];
  claims: Claim[];
  history: History;
}

/** Why something was not done, in the door's words: a code and the facts beside it. */
export interface Refusal {
  code: string;
  message?: string;
  missing?: number;
  until?: string | null;
  tiers?: string[];
}

export type Tab = "spend" | "earn" | "codes" | "history";

export interface Answer {
  status: number;
  /** Null unless it was JSON. */
  body: any;
}

/** The talk with the server on behalf of whoever the page says is logged in. */
export interface Connection {
  /** Whether the page names a customer at all. */
  signs: boolean;
  /** Whether it does so by a token that may have become too old since. */
  ages: boolean;
  /** Who is logged in, asked anew; null: nobody. Rejects when the server can't be reached. */
  load(): Promise<Me | null>;
  /** One call in a session, which is renewed once when the server no longer knows it. Rejects as `load`. */
  call(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer>;
  /** What shows anew who the customer is, where redeeming asks for that. */
  proof(): Promise<object | undefined>;
}

/** What the loader gives to the panel. */
export interface Shop {
  program: Program;
  /** Where the server is, without a slash at the end. */
  base: string;
  /** The element that the shop pasted: it says who is logged in, and events start there. */
  place: HTMLElement;
  root: ShadowRoot;
  locale: string;
}

export interface Panel {
  open(tab?: Tab, rewardId?: number): void;
  /** Writes points and rewards into the elements of the shop's page that ask for them. */
  fill(): void;
}
