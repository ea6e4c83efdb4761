import { XebecError } from "@xebec/core-errors";
import type { HandlerLimits } from "@xebec/mixer-sdk";
import { refuseHost } from "./refuse-address.ts";

/** A token is replaced so long before it ends, in milliseconds. */
const EARLY_MS = 10_000;
const TIMEOUT_MS = 10_000;

export interface OAuthSpec {
  readonly clientId?: string;
  readonly tokenUrl?: string;
  readonly scopes?: readonly string[];
}

/** A token of OAuth's client credentials grant (RFC 6749, section 4.4), got when it is needed and again before it ends. */
export class OAuthToken {
  readonly #spec: OAuthSpec;
  readonly #secret: string;
  readonly #limits: HandlerLimits | undefined;
  #token: { readonly text: string; readonly until: number } | undefined;
  #asking: Promise<string> | undefined;

  /** @param limits what handlers may reach; absent: whatever there is */
  constructor(spec: OAuthSpec, secret: string, limits: HandlerLimits | undefined) {
    this.#spec = spec;
    this.#secret = secret;
    this.#limits = limits;
  }

  /** @throws XebecError unavailable when none is given */
  current(): Promise<string> {
    if (this.#token && Date.now() < this.#token.until) return Promise.resolve(this.#token.text);
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<string> {
    const { clientId = "", tokenUrl = "", scopes = [] } = this.#spec;
    const form = new URLSearchParams({ grant_type: "client_credentials" });
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(this.#secret)}`).toString("base64");
    try {
      if (this.#limits) await refuseHost(new URL(tokenUrl).hostname, this.#limits);
      const answer = await fetch(tokenUrl, {
        method: "POST",
        headers: { authorization: `Basic ${basic}` },
        body: form,
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { access_token: text, expires_in: seconds = 3600 } = (await answer.json()) as Record<string, unknown>;
      if (typeof text !== "string" || text === "") throw new Error("it holds no access_token");
      this.#token = { text, until: Date.now() + Number(seconds) * 1000 - EARLY_MS };
      return text;
    } catch (error) {
      throw new XebecError("unavailable", `${tokenUrl} gave no token: ${(error as Error).message}`, { cause: error });
    }
  }
}
