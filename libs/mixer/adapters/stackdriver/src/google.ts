import type { HandlerLimits } from "@xebec/mixer-sdk";
import { post } from "@xebec/mixer-sinks";
import { GuardedClient } from "@xebec/platform-http/guarded";
import type { GoogleAuth } from "google-auth-library";
import type { StackdriverParams } from "./info.ts";

const SCOPES = ["https://www.googleapis.com/auth/cloud-platform"];

export type Service = "monitoring" | "logging" | "cloudtrace" | "contextgraph";

/** Calls Google's services by their JSON API, with the credentials that a handler names. */
export class Google {
  readonly #params: StackdriverParams;
  readonly #client: GuardedClient;
  #auth: Promise<GoogleAuth> | undefined;
  #project: string | undefined;

  constructor(params: StackdriverParams, limits: HandlerLimits) {
    this.#params = params;
    this.#client = new GuardedClient({ refusal: (address) => limits.addressRefusal(address) });
  }

  /** @throws Error when it is neither a parameter nor in the metadata of the machine */
  async project(): Promise<string> {
    const { projectId = "" } = this.#params;
    if (projectId !== "") return projectId;
    this.#project ??= await (await this.#signedIn()).getProjectId();
    return this.#project;
  }

  /** @param path behind the version, without a slash first @throws as `post` does */
  async call(service: Service, path: string, body: unknown, signal: AbortSignal, method = "POST"): Promise<unknown> {
    const { endpoint = "", apiKey } = this.#params;
    const base = endpoint === "" ? `https://${service}.googleapis.com` : endpoint.replace(/\/+$/, "");
    const url = `${base}/${path}${apiKey ? `${path.includes("?") ? "&" : "?"}key=${encodeURIComponent(apiKey)}` : ""}`;
    const headers = apiKey ? {} : await this.#headers();
    const answer = await post(this.#client, url, { method, body, headers, signal });
    return answer.length === 0 ? {} : JSON.parse(Buffer.from(answer).toString());
  }

  close(): void {
    this.#client.close();
  }

  async #headers(): Promise<Record<string, string>> {
    const token = await (await this.#signedIn()).getAccessToken();
    return token ? { authorization: `Bearer ${token}` } : {};
  }

  /** Loaded when it is needed: nobody else pays for it. */
  #signedIn(): Promise<GoogleAuth> {
    this.#auth ??= import("google-auth-library").then((library) => {
      const { serviceAccountPath } = this.#params;
      return new library.GoogleAuth({
        scopes: SCOPES,
        ...(serviceAccountPath ? { keyFilename: serviceAccountPath } : {}),
      });
    });
    return this.#auth;
  }
}
