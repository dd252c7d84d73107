/** The talk with the server. Sessions live in this memory alone; the page's signature renews them. */

import type { Answer, Connection, Me } from "./shapes";

const PATIENCE_MILLISECONDS = 10_000;

/** Everything by which the page says who is logged in, best first. Empty: nobody is. */
function proofs(page: DOMStringMap, token: string | undefined): object[] {
  const { shopDomain, shopId, customerId, customerSignature, customerEmail, authDate, authToken } = page;
  const shop = { shop_domain: shopDomain, shop_id: shopId };
  const signed = { ...shop, customer_id: customerId, customer_signature: customerSignature };
  const customer = { id: customerId, email: customerEmail };
  const found = [
    token && { token },
    customerId && customerSignature && signed,
    authToken && { customer, auth: { date: authDate, token: authToken } },
  ];
  return found.filter(Boolean) as object[];
}

export function connect(base: string, page: DOMStringMap): Connection {
  const program = page.apiKey ? { key: page.apiKey } : { site: page.site };
  let session = "";
  let loading: Promise<Me | null> | null = null;

  /** The shop's own address for fresh tokens, where it has one; tokens in pages soon are too old. */
  async function token(): Promise<string | undefined> {
    if (page.tokenUrl) {
      const answer = await fetch(page.tokenUrl, { credentials: "same-origin" }).catch(() => null);
      if (answer?.ok) return (await answer.text()).trim();
    }
    return page.token;
  }

  async function send(method: string, path: string, body?: object, headers?: object): Promise<Answer> {
    const response = await fetch(`${base}/storefront/v1/${path}`, {
      method,
      headers: {
        ...headers,
        ...(body && { "Content-Type": "application/json" }),
        ...(session && { Authorization: `Bearer ${session}` }),
      },
      body: body && JSON.stringify(body),
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
    });
    return { status: response.status, body: await response.json().catch(() => null) };
  }

  async function logIn(): Promise<Me | null> {
    session = "";
    for (const proof of proofs(page, await token())) {
      const { status, body } = await send("POST", "session", { ...program, ...proof });
      if (status === 200) {
        session = body.session;
        return body.me;
      }
      if (status === 429 || status >= 500) throw status;
    }
    return null;
  }

  async function current(): Promise<Me | null> {
    if (!session) return logIn();
    const { status, body } = await send("GET", "me");
    if (status === 401) return logIn();
    if (status !== 200) throw status;
    return body;
  }

  return {
    signs: proofs(page, page.token ?? page.tokenUrl).length > 0,
    ages: !!page.token && !page.tokenUrl,
    load() {
      loading ??= current().finally(() => (loading = null));
      return loading;
    },
    async call(method, path, body, headers) {
      const answer = session ? await send(method, path, body, headers) : null;
      if (answer && answer.status !== 401) return answer;
      return (await logIn()) ? send(method, path, body, headers) : { status: 401, body: null };
    },
    proof: async () => proofs(page, await token())[0],
  };
}
