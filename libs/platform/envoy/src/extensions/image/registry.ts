import { XebecError } from "@xebec/core-errors";
import { type AddressPolicy, type FetchedAnswer, guardedFetch } from "@xebec/platform-http/guarded";
import { credentialsIn, type RegistryCredentials } from "./docker-config.ts";
import type { ImageReference } from "./reference.ts";

export interface RegistryOptions {
  /** Which addresses may be called. */
  readonly policy: AddressPolicy;
  /** For one pull, in milliseconds. */
  readonly timeoutMs: number;
  /** A Docker configuration with credentials. */
  readonly credentials?: string | undefined;
  /** Registries whose certificates are not verified, or that have none; `*` for all. */
  readonly insecure?: readonly string[];
}

/** Most bytes of the answer of a server of tokens. */
const MAX_TOKEN_BYTES = 64 << 10;

/** Reads one repository by the OCI distribution API (`/v2/`), signing in where the registry asks for it. */
export class RegistryReader {
  readonly #image: ImageReference;
  readonly #options: RegistryOptions;
  readonly #credentials: RegistryCredentials | undefined;
  readonly #until: number;
  #scheme: "https" | "http" = "https";
  /** What the registry was shown. */
  #authorization: string | undefined;

  constructor(image: ImageReference, options: RegistryOptions) {
    this.#image = image;
    this.#options = options;
    this.#until = Date.now() + options.timeoutMs;
    this.#credentials =
      options.credentials === undefined ? undefined : credentialsIn(options.credentials, image.registry);
  }

  /** @param path below the repository: `manifests/latest`. @throws XebecError */
  async get(
    path: string,
    maxBytes: number,
    accept?: string,
  ): Promise<{ readonly body: Buffer; readonly type: string }> {
    const ask = (): Promise<FetchedAnswer> => this.#ask(path, maxBytes, accept);
    let answer = await ask().catch((error: unknown) => {
      // As Istio: a registry within a cluster may speak HTTP alone.
      if (this.#scheme === "http" || !speaksHttp(error)) throw error;
      this.#scheme = "http";
      return ask();
    });
    if (answer.status === 401 && this.#authorization === undefined) {
      this.#authorization = await this.#signedIn(textOf(answer.headers["www-authenticate"]));
      answer = await ask();
    }
    if (answer.status === 200) return { body: answer.body, type: mediaTypeOf(textOf(answer.headers["content-type"])) };
    const refused = answer.status === 401 || answer.status === 403;
    const who = this.#credentials ? "with the credentials that it was shown" : "without credentials";
    throw this.#failure(refused ? `may not be read ${who} (status ${answer.status})` : `status ${answer.status}`, path);
  }

  #ask(path: string, maxBytes: number, accept?: string): Promise<FetchedAnswer> {
    const { host, repository } = this.#image;
    return this.#call(`${this.#scheme}://${host}/v2/${repository}/${path}`, maxBytes, {
      ...(accept ? { accept } : {}),
      ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
    });
  }

  #call(url: string, maxBytes: number, headers: Readonly<Record<string, string>>): Promise<FetchedAnswer> {
    const { policy } = this.#options;
    const timeoutMs = Math.max(1, this.#until - Date.now());
    return guardedFetch(url, { policy, timeoutMs, maxBytes, headers, unverified: this.#isInsecure });
  }

  get #isInsecure(): boolean {
    const { insecure = [] } = this.#options;
    return insecure.includes("*") || insecure.includes(this.#image.registry);
  }

  /** @param challenge `Basic realm=…`, or `Bearer realm="…",service="…",scope="…"`. @returns the header that answers it */
  async #signedIn(challenge: string): Promise<string> {
    const known = this.#credentials;
    if (known && this.#scheme === "http" && !this.#isInsecure)
      throw this.#failure(
        "has no TLS, and credentials are shown to no such registry unless WASM_INSECURE_REGISTRIES has it",
      );
    if (known && "token" in known) return `Bearer ${known.token}`;
    const basic = known && `Basic ${Buffer.from(`${known.user}:${known.password}`).toString("base64")}`;
    const [, scheme = "", rest = ""] = /^\s*(\w+)\s*(.*)$/s.exec(challenge) ?? [];
    if (scheme.toLowerCase() === "basic") {
      if (basic) return basic;
      throw this.#failure("may not be read without credentials");
    }
    const {
      realm = "",
      service,
      scope = `repository:${this.#image.repository}:pull`,
    } = Object.fromEntries([...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]));
    if (scheme.toLowerCase() !== "bearer" || !URL.canParse(realm))
      throw this.#failure("asks for credentials in a way that is not known");
    const url = new URL(realm);
    const isPlain = url.protocol === "http:" && this.#scheme === "https";
    if (isPlain || !/^https?:$/.test(url.protocol)) throw this.#failure("names a server of tokens that has no TLS");
    if (service) url.searchParams.set("service", service);
    url.searchParams.set("scope", scope);
    const answer = await this.#call(url.href, MAX_TOKEN_BYTES, basic ? { authorization: basic } : {});
    const token = answer.status === 200 ? tokenIn(answer.body) : undefined;
    if (token) return `Bearer ${token}`;
    throw this.#failure(`the server of tokens ${url.host} gives none (status ${answer.status})`);
  }

  #failure(what: string, path = ""): XebecError {
    const { registry, repository } = this.#image;
    return new XebecError("unavailable", `${registry}/${repository}${path && `/${path}`}: ${what}`);
  }
}

function tokenIn(body: Buffer): string | undefined {
  try {
    const { token, access_token: other } = JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;
    return [token, other].find((each): each is string => typeof each === "string" && /^[\x21-\x7e]+$/.test(each));
  } catch {
    return undefined;
  }
}

/** True for a server that answers TLS with something else. */
function speaksHttp(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (
      /wrong version number|packet length too long|EPROTO/i.test(
        `${(cause as NodeJS.ErrnoException).code} ${cause.message}`,
      )
    )
      return true;
  return false;
}

function textOf(header: string | string[] | undefined): string {
  return [header ?? ""].flat().join(", ");
}

function mediaTypeOf(contentType: string): string {
  return (contentType.split(";")[0] ?? "").trim();
}
