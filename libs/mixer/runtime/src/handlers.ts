import { createHash } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import {
  type Adapter,
  type AdapterLog,
  type Clock,
  type Handler,
  handlerContext,
  type InstanceShape,
} from "@xebec/mixer-sdk";
import type { Path } from "@xebec/model-schema";

/** A handler whose configuration is valid; it is built when a rule uses it. */
export interface CheckedHandler {
  /** As shown in messages: `<name>.<namespace>`, of a legacy kind `<name>.<kind>.<namespace>`. */
  readonly name: string;
  readonly adapter: Adapter;
  /** The effective configuration, defaults filled in. */
  readonly config: object;
  /** Where the parameters are in the object. */
  readonly paramsPath: Path;
}

/** A built handler, shared by the snapshots that use it. */
export interface HandlerSlot {
  readonly name: string;
  readonly adapter: string;
  readonly handler: Handler;
}

interface Entry extends HandlerSlot {
  readonly signature: string;
  users: number;
}

/** Builds handlers, reuses those whose configuration did not change, and closes those that nothing uses any more. */
export class HandlerTable {
  readonly #clock: Clock;
  readonly #log: AdapterLog;
  readonly #entries = new Set<Entry>();
  readonly #current = new Map<string, Entry>();

  constructor(clock: Clock, log: AdapterLog) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * The handler for a valid configuration and the instances that are routed to it. Every success counts as a use until
   * `release`.
   * @param params what the instances are made of; with it and their types a handler is known to be the same
   * @throws XebecError unavailable when it cannot be built
   */
  async acquire(checked: CheckedHandler, instances: readonly InstanceShape[], params: unknown): Promise<HandlerSlot> {
    const { name, adapter, config } = checked;
    const signature = createHash("sha1")
      .update(JSON.stringify([adapter.name, config, params, instances]))
      .digest("hex");
    const known = this.#current.get(name);
    if (known?.signature === signature && this.#entries.has(known)) {
      known.users++;
      return known;
    }
    let handler: Handler;
    try {
      const context = handlerContext({ handler: name, instances, log: this.#log, clock: this.#clock });
      handler = await adapter.create(config as never, context);
      await handler.start?.();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new XebecError("unavailable", `the adapter ${adapter.name} could not be started: ${why}`, { cause: error });
    }
    const entry: Entry = { name, adapter: adapter.name, handler, signature, users: 1 };
    this.#entries.add(entry);
    this.#current.set(name, entry);
    return entry;
  }

  /** Ends one use of handlers; the last one closes them. Errors are logged: nobody waits for them. */
  async release(slots: Iterable<HandlerSlot>): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const slot of slots) {
      const entry = slot as Entry;
      if (--entry.users > 0) continue;
      this.#entries.delete(entry);
      if (this.#current.get(entry.name) === entry) this.#current.delete(entry.name);
      closing.push(this.#close(entry));
    }
    await Promise.all(closing);
  }

  async #close({ name, handler }: Entry): Promise<void> {
    try {
      await handler.close?.();
    } catch (error) {
      this.#log.error({ err: error, handler: name }, "a handler failed to close");
    }
  }
}
