import { sleep } from "@xebec/core-async";
import { logger } from "@xebec/core-log";
import type { EndpointSlice, Service } from "../api/types.ts";
import { run } from "../runtime/run.ts";
import { type ProxyOptions, serviceRules } from "./rules.ts";

const log = logger("node");
/** Changes of this time are applied at once. */
const GATHER_MS = 5;

export interface ServiceProxyOptions extends ProxyOptions {
  readonly nft: string;
  readonly services: () => Iterable<Service>;
  readonly slices: () => Iterable<EndpointSlice>;
}

/** Keeps the rules of Services equal to what the API server says. */
export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  #applied = "";
  #dirty = false;
  #working: Promise<void> | undefined;

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
  }

  changed(): void {
    this.#dirty = true;
    this.#working ??= this.#apply().finally(() => {
      this.#working = undefined;
    });
  }

  async #apply(): Promise<void> {
    while (this.#dirty) {
      await sleep(GATHER_MS);
      this.#dirty = false;
      const rules = this.#rules();
      if (rules === this.#applied) continue;
      try {
        await run(this.#options.nft, ["-f", "-"], rules);
        this.#applied = rules;
      } catch (error) {
        log.error({ err: error }, "the rules of Services could not be applied; they are tried again");
        this.#dirty = true;
        await sleep(1_000);
      }
    }
  }

  #rules(): string {
    const slices = new Map<string, EndpointSlice[]>();
    for (const slice of this.#options.slices()) {
      const name = `${slice.metadata.namespace}/${slice.metadata.labels?.["kubernetes.io/service-name"]}`;
      const list = slices.get(name);
      if (list) list.push(slice);
      else slices.set(name, [slice]);
    }
    const services = [...this.#options.services()].sort((a, b) => (a.metadata.uid < b.metadata.uid ? -1 : 1));
    return serviceRules(services, slices, this.#options);
  }
}
