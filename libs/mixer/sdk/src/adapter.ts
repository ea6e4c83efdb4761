import type { AttributeValue } from "@xebec/model-attributes";
import { TEMPLATES, type Template, type Variety } from "@xebec/model-mixer";
import type { Violation } from "@xebec/model-schema";
import type { Static, TSchema } from "typebox";
import type {
  AdapterHost,
  AdapterMetrics,
  Clock,
  FailurePolicy,
  HandlerLimits,
  HealthState,
  MetricSpec,
  PortSpec,
  Secrets,
  WorkerSpec,
} from "./host.ts";
import type { Instance, InstanceOf, InstanceShape, OutputOf } from "./instance.ts";
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
  /** The metrics that the adapter declares. */
  readonly metrics: AdapterMetrics;
  /** Says how the handler is; operators see it with the reason. It begins as `ready`. */
  health(state: HealthState, why?: string): void;
  /** Reads the files that fields made by `secretFile` name. */
  readonly secrets: Secrets;
}

/** A template of an adapter: itself, or the name of one that is known. */
export type TemplateRef = string | Template;

/** Istio's templates by name. */
type Istio = typeof import("./templates.ts");

/** The template that a reference means; `unknown` where only the adapter's author knows. */
type TemplateOf<R extends TemplateRef> = R extends keyof Istio ? Istio[R] : R extends string ? unknown : R;

type OfVariety<R extends TemplateRef, V extends Variety> = R extends TemplateRef
  ? TemplateOf<R> extends infer T extends Template
    ? V extends T["variety"]
      ? InstanceOf<T>
      : never
    : Instance
  : never;

type OutputOfRef<R extends TemplateRef> = R extends TemplateRef
  ? TemplateOf<R> extends infer T extends Template
    ? "attributes" extends T["variety"]
      ? OutputOf<T>
      : never
    : Readonly<Record<string, AttributeValue>>
  : never;

/**
 * A configured adapter at work. It has the methods of its templates' varieties. A method that throws fails its call only.
 * Answering without a promise is faster. Its life: `create`, `start`, calls, `reconfigure` any number of times, `close`.
 * @typeParam R the adapter's templates, which give the instances their types
 */
export interface Handler<R extends TemplateRef = string> {
  /** Opens what the handler needs, before its first call. @throws when it cannot work; its actions are skipped then */
  start?(): void | Promise<void>;
  check?(instance: OfVariety<R, "check">, template: string): CheckResult | Promise<CheckResult>;
  /** @param instances all of one batch; they must not be changed */
  report?(instances: readonly OfVariety<R, "report">[], template: string): void | Promise<void>;
  quota?(instance: OfVariety<R, "quota">, args: QuotaArgs): QuotaResult | Promise<QuotaResult>;
  /** Finds attributes. @returns the fields of the template's output, by their keys (`sourcePodIp`); what is not known is left out */
  attributes?(instance: OfVariety<R, "attributes">, template: string): OutputOfRef<R> | Promise<OutputOfRef<R>>;
  /**
   * Takes a new configuration over, so that what the handler holds (counters, connections) goes on. Calls of requests that began before
   * may still come.
   * @returns false when it cannot: then a new handler is made, and this one is closed
   */
  reconfigure?(config: never, context: HandlerContext): boolean | Promise<boolean>;
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
  /** Templates of `templates` that the adapter brings along. */
  readonly ownTemplates?: readonly Template[];
  /** Ports on which its pages are served, by name. */
  readonly ports?: Readonly<Record<string, PortSpec>>;
  /** Metrics about itself, by name. */
  readonly metrics?: Readonly<Record<string, MetricSpec>>;
  /** What holds for its handlers that say nothing themselves. */
  readonly failure?: FailurePolicy;
  /** What its handlers may use where they run in a thread of their own, and whether they always do. */
  readonly worker?: WorkerSpec;
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

/** An adapter as `defineAdapter` takes it: its templates by name or themselves. */
export interface AdapterSpec<C extends TSchema, R extends TemplateRef>
  extends Omit<AdapterInfo<C>, "templates" | "ownTemplates"> {
  readonly templates: readonly R[];
  /** Makes a handler of a valid configuration. @throws when it cannot work; its actions are skipped then */
  create(config: Static<C>, context: HandlerContext): Handler<R> | Promise<Handler<R>>;
}

/**
 * Defines an adapter in one piece. Types of instances follow from its templates, those of its configuration from the schema.
 * @throws TypeError for a name of a template that is not known
 */
export function defineAdapter<C extends TSchema, const R extends TemplateRef>(spec: AdapterSpec<C, R>): Adapter {
  const ownTemplates: Template[] = [];
  const templates = spec.templates.map((each: TemplateRef) => {
    if (typeof each === "string") {
      if (!TEMPLATES.has(each))
        throw new TypeError(`the adapter ${spec.name} takes the template ${each}, which is not known`);
      return each;
    }
    if (TEMPLATES.get(each.name) !== each) ownTemplates.push(each);
    return each.name;
  });
  return { ...spec, templates, ...(ownTemplates.length > 0 ? { ownTemplates } : {}) } as unknown as Adapter;
}
