import type { Static, TSchema } from "typebox";
import type { Instance, InstanceShape } from "./instance.ts";
import type { CheckResult, QuotaArgs, QuotaResult } from "./results.ts";

/** Time as adapters see it; a test gives its own. */
export interface Clock {
  /** Milliseconds since 1970 UTC. */
  now(): number;
  /** Calls `work` every `ms` milliseconds until the returned function is called. Does not keep the process alive. */
  every(ms: number, work: () => void): () => void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  every(ms, work) {
    const timer = setInterval(work, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** Where an adapter writes what operators should read. */
export interface AdapterLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a handler knows of its surroundings. */
export interface HandlerContext {
  /** The handler's name as users see it: `denyall.istio-system`. */
  readonly handler: string;
  /** All instances that rules send to this handler, by name. */
  readonly instances: readonly InstanceShape[];
  readonly log: AdapterLog;
  readonly clock: Clock;
}

/**
 * A configured adapter at work. It has the methods of its templates' varieties. A method that throws fails its call only.
 * Answering without a promise is faster.
 */
export interface Handler {
  check?(instance: Instance, template: string): CheckResult | Promise<CheckResult>;
  /** @param instances all of one batch; they must not be changed */
  report?(instances: readonly Instance[], template: string): void | Promise<void>;
  quota?(instance: Instance, args: QuotaArgs): QuotaResult | Promise<QuotaResult>;
  /** Called once, after the last call. */
  close?(): void | Promise<void>;
}

/** An adapter: what it takes and how a handler is made. */
export interface Adapter<C extends TSchema = TSchema> {
  /** As in `compiledAdapter`; also the kind of its legacy handlers. */
  readonly name: string;
  readonly description: string;
  /** Names of the templates that it takes. */
  readonly templates: readonly string[];
  /** Schema of a handler's `params`, keys in lower camel case; unknown fields are refused. */
  readonly config: C;
  /** Values for fields that a handler leaves out, also inside of messages. */
  readonly defaults?: Partial<Static<C>>;
  /** Finds faults that the schema cannot: one sentence each, beginning with the field. */
  validate?(config: Static<C>, instances: readonly InstanceShape[]): readonly string[];
  /**
   * Finds faults of handlers that exclude each other although each is valid by itself.
   * @param handlers all handlers of this adapter in one configuration, in order of their names
   * @returns faults as of `validate`, by handler; those without fault stay
   */
  validateTogether?(
    handlers: readonly { readonly handler: string; readonly config: Static<C> }[],
  ): ReadonlyMap<string, readonly string[]>;
  /** Makes a handler of a valid configuration. @throws when it cannot work; its actions are skipped then */
  create(config: Static<C>, context: HandlerContext): Handler | Promise<Handler>;
}

/** Declares an adapter; types follow from its configuration's schema. */
export function defineAdapter<C extends TSchema>(adapter: Adapter<C>): Adapter {
  return adapter as unknown as Adapter;
}
