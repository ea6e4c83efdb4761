import {
  describeProcessesWithEnv,
  type PortHolder,
  PROCESS_NAME_ENV,
  type ProcessId,
  portHolder,
  RUN_ID_ENV,
} from "@xebec/platform-process";
import type { ProcessSpec } from "./process-spec.ts";

/** Finds whether addresses are held by the processes of a spec. */
export class PortOwnership {
  readonly #spec: ProcessSpec;
  /** The addresses that the process is known to hold. */
  #held: { readonly id: ProcessId; readonly addresses: Set<string> } | undefined;

  constructor(spec: ProcessSpec) {
    this.#spec = spec;
  }

  /** Who holds an address. Once it is the process itself, it is for as long as the process lives. @param id the process */
  holder(id: ProcessId, host: string, port: number): PortHolder {
    const address = `${host}:${port}`;
    if (this.#held?.id !== id) this.#held = { id, addresses: new Set() };
    if (this.#held.addresses.has(address)) return "own";
    const [name, value] = this.#spec.portEnv ?? [PROCESS_NAME_ENV, this.#spec.name];
    const run = this.#spec.env[RUN_ID_ENV];
    const own = describeProcessesWithEnv(name, value).filter((each) => each.env(RUN_ID_ENV) === run);
    // One that an older version has started has no name in its environment.
    const holder = portHolder(host, port, new Set([id.pid, ...own.map(({ pid }) => pid)]));
    if (holder === "own") this.#held.addresses.add(address);
    return holder;
  }
}
