import { nextState, type Transitions } from "../state-machine.ts";
import type { XdsRequest } from "../wire/request.ts";

/**
 * Whether a client still has something of an earlier stream (docs/xds-server.md, "Resumption"):
 * - `new`: it has nothing, or is not waited for any more.
 * - `returning`: it has named versions, and may still ask for more of what it has.
 */
export type ResumptionState = "new" | "returning";

export type ResumptionEvent = "initialVersions" | "timeout";

export const RESUMPTION_TRANSITIONS: Transitions<ResumptionState, ResumptionEvent> = {
  new: { initialVersions: "returning", timeout: "new" },
  returning: { initialVersions: "returning", timeout: "new" },
};

const NONE: ReadonlySet<string> = new Set();

/** What a client comes back with. Its connection owns it. */
export class Resumption {
  #state: ResumptionState = "new";
  /** State of the world: the version of the clusters that the client has, until it is known which they are. */
  #clusterVersion = "";
  /** Clusters that were sent before the client said which endpoints it still has. */
  #warming: Set<string> | undefined;

  get isReturning(): boolean {
    return this.#state === "returning";
  }

  /** True for the first request of a type by which a client says that it has something of an earlier stream. */
  static names(request: XdsRequest): boolean {
    return request.nonce === "" && (request.version !== "" || request.initialVersions.size > 0);
  }

  /** @param clusterVersion in the state-of-the-world form, for clusters: the version that the client names; otherwise empty */
  begin(clusterVersion: string): void {
    this.#state = nextState(RESUMPTION_TRANSITIONS, this.#state, "initialVersions");
    if (clusterVersion !== "") this.#clusterVersion = clusterVersion;
  }

  /** The client was waited for long enough. */
  timedOut(): void {
    this.#state = nextState(RESUMPTION_TRANSITIONS, this.#state, "timeout");
  }

  /** The version of the clusters that the client named, once; then it is empty. */
  takeClusterVersion(): string {
    const version = this.#clusterVersion;
    this.#clusterVersion = "";
    return version;
  }

  /** Clusters whose endpoints are due even when the client has them. */
  get warming(): ReadonlySet<string> {
    return this.#warming ?? NONE;
  }

  warm(cluster: string): void {
    this.#warming ??= new Set();
    this.#warming.add(cluster);
  }

  /** The client has said which endpoints it has. */
  endpointsKnown(): void {
    this.#warming = undefined;
  }
}
