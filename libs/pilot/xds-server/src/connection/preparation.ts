import { Turns } from "@xebec/core-async";
import type { Generator } from "@xebec/pilot-xds-gen";
import type { Connection } from "./connection.ts";

/** So many classes are remembered; more only means that they are looked through again. */
const MOST_CLASSES = 10_000;

/**
 * Has the parts of a configuration made in turns of the event loop before a connection asks for the whole: a first route table of ten
 * thousand hosts takes a second. Each class of proxies is prepared once for each snapshot; whoever comes meanwhile waits for it.
 */
export class Preparation {
  /** Classes that are ready; a promise while they are not. */
  readonly #classes = new Map<string, Promise<void> | undefined>();

  /** Another snapshot: what was ready may not be any more. */
  reset(): void {
    this.#classes.clear();
  }

  /** @returns undefined when all is there; otherwise what to wait for, and then to ask again */
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
    // Namespaces are clients' to choose.
    if (this.#classes.size > MOST_CLASSES) this.#classes.clear();
    this.#classes.set(name, work);
    return work;
  }
}
