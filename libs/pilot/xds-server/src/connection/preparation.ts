import { Turns } from "@xebec/core-async";
import type { Generator } from "@xebec/pilot-xds-gen";
import type { Connection } from "./connection.ts";

/** Limit of the classes that are remembered; beyond it they are checked again. */
const MOST_CLASSES = 10_000;

/**
 * Makes the parts of a configuration in turns of the event loop before a connection requests the whole: the first route table of ten
 * thousand hosts takes a second. Each class of proxies is prepared once for each snapshot; connections of that class wait for it.
 */
export class Preparation {
  /** A promise for each class that is being prepared; undefined for one that is ready. */
  readonly #classes = new Map<string, Promise<void> | undefined>();

  /** The snapshot has changed: classes that were ready may not be any more. */
  reset(): void {
    this.#classes.clear();
  }

  /** @returns undefined when everything is ready; otherwise a promise, after which to call this again */
  of(connection: Connection, generator: Generator): Promise<void> | undefined {
    const proxyClass = connection.proxyClass(generator);
    const name = generator.preparationKey(connection.proxy, proxyClass);
    if (this.#classes.has(name)) return this.#classes.get(name);
    const ended = (isWhole: boolean): void => {
      if (this.#classes.get(name) !== work) return;
      if (isWhole) this.#classes.set(name, undefined);
      else this.#classes.delete(name);
    };
    let work: Promise<void> | undefined;
    try {
      work = generator.prepare(connection.proxy, proxyClass, new Turns())?.then(ended, () => ended(true));
    } catch {
      // The error is reported where the configuration is put together, to the stream that asks for it.
    }
    // Clients choose their namespaces freely.
    if (this.#classes.size > MOST_CLASSES) this.#classes.clear();
    this.#classes.set(name, work);
    return work;
  }
}
