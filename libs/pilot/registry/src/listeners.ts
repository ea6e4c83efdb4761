import type { Turns } from "@xebec/core-async";
import type { RegistryChange, RegistryListener } from "./service-registry.ts";

/** The listeners of a registry. */
export class RegistryListeners {
  readonly #listeners: RegistryListener[] = [];

  add(listener: RegistryListener): void {
    this.#listeners.push(listener);
  }

  /** Calls all of them, in the order in which they came. @returns a promise when one of them has more to do */
  call(change: RegistryChange, turns?: Turns): Promise<void> | undefined {
    const pending = this.#listeners.map((each) => each(change, turns)).filter((each) => each !== undefined);
    return pending.length > 0 ? Promise.all(pending).then(() => undefined) : undefined;
  }
}
