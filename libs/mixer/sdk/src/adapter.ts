import type { Violation } from "@xebec/model-schema";
import type { Static, TSchema } from "typebox";
import type { AdapterHost, Clock, HandlerLimits } from "./host.ts";
import type { Instance, InstanceShape } from "./instance.ts";
import type { CheckResult, QuotaArgs, QuotaResult } from "./results.ts";

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

/** What a handler's parameters are checked against besides their schema. */
export interface ValidationContext {
  /** All instances that rules send to the handler; none where a handler is checked by itself. */
  readonly instances: readonly InstanceShape[];
  /** What handlers may reach; absent where it is not known, as in galley: then it is not checked. */
  readonly limits?: HandlerLimits | undefined;
}

/**
 * What an adapter is, without its code: Istio's `adapter.Info`. Galley and pilot load nothing else of an adapter, so its module
 * imports nothing that opens files or sockets.
 */
export interface AdapterInfo<C extends TSchema = TSchema> {
  /** As in `compiledAdapter`; also the kind of its legacy handlers. */
  readonly name: string;
  readonly description: string;
  /** Names of the templates that it takes. */
  readonly templates: readonly string[];
  /** Schema of a handler's `params`, keys in lower camel case; unknown fields are refused. */
  readonly config: C;
  /** Values for fields that a handler leaves out, also inside of messages. */
  readonly defaults?: Partial<Static<C>>;
  /** Says that the services do its work themselves, so that handlers need no code: a sentence for users. */
  readonly builtIn?: string;
  /** Finds what the schema cannot. @returns violations with their paths from `params` on */
  validate?(config: Static<C>, context: ValidationContext): readonly Violation[];
  /**
   * Finds handlers that exclude each other although each is valid by itself.
   * @param handlers all handlers of this adapter in one configuration, in order of their names
   * @returns violations as of `validate`, by handler; those without any stay
   */
  validateTogether?(
    handlers: readonly { readonly handler: string; readonly config: Static<C> }[],
  ): ReadonlyMap<string, readonly Violation[]>;
}

/** An adapter: what it is and how a handler is made. */
export interface Adapter<C extends TSchema = TSchema> extends AdapterInfo<C> {
  /** Makes a handler of a valid configuration. @throws when it cannot work; its actions are skipped then */
  create(config: Static<C>, context: HandlerContext): Handler | Promise<Handler>;
}

/** What the main module of an adapter exports. @param host what the adapter may use of the process that runs it */
export interface AdapterModule {
  createAdapter(host: AdapterHost): Adapter;
}

/** Describes an adapter; types follow from its configuration's schema. */
export function describeAdapter<C extends TSchema>(info: AdapterInfo<C>): AdapterInfo<C> {
  return info;
}

/** Adds the code to an adapter's description. */
export function implementAdapter<C extends TSchema>(info: AdapterInfo<C>, create: Adapter<C>["create"]): Adapter {
  return { ...info, create } as unknown as Adapter;
}

/** Describes and implements an adapter at once. */
export function defineAdapter<C extends TSchema>(adapter: Adapter<C>): Adapter {
  return adapter as unknown as Adapter;
}
