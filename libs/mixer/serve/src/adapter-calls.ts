import { isXebecError, XebecError } from "@xebec/core-errors";
import {
  type Adapter,
  type Clock,
  type Handler,
  type HandlerContext,
  handlerContext,
  type InstanceShape,
  systemClock,
  TEMPLATES,
} from "@xebec/mixer-sdk";
import {
  decodeRequest,
  encodeCheckResult,
  encodeOutput,
  encodeQuotaResult,
  type HandleRequest,
  JSON_PARAMS,
  type WireTemplate,
  wireOfTemplate,
} from "@xebec/mixer-wire";
import { type HandlerParams, readParams } from "./handler-params.ts";

/** A handler that nothing called for so long is closed, in milliseconds; one whose configuration was replaced, sooner. */
const IDLE_MS = 3_600_000;
const REPLACED_MS = 60_000;
const SWEEP_MS = 30_000;
/** Most handlers at once. */
const MAX_HANDLERS = 1_000;

/** What is made for each handler besides: metrics, health, secrets, log. */
export type ServedContext = (params: HandlerParams) => Partial<HandlerContext>;

interface Made {
  readonly identity: string;
  readonly handler: Promise<Handler>;
  usedAt: number;
  calls: number;
  replaced: boolean;
}

/**
 * An adapter behind Istio 1.1's protocol for adapters: bytes of a `Handle<Template>Request` in, bytes of the answer out, whatever carries
 * them. Handlers are made of the parameters that calls carry, and kept.
 */
export class AdapterCalls {
  readonly #adapter: Adapter;
  readonly #wires: ReadonlyMap<string, WireTemplate>;
  readonly #clock: Clock;
  readonly #contextOf: ServedContext;
  /** By the parameters as they came. */
  readonly #made = new Map<string, Made>();
  readonly #stop: () => void;

  constructor(adapter: Adapter, { clock = systemClock, contextOf = () => ({}) }: CallOptions = {}) {
    this.#adapter = adapter;
    this.#clock = clock;
    this.#contextOf = contextOf;
    const own = new Map(adapter.ownTemplates?.map((each) => [each.name, each]));
    this.#wires = new Map(
      adapter.templates.flatMap((name) => {
        const template = own.get(name) ?? TEMPLATES.get(name);
        if (!template)
          throw new TypeError(`the adapter ${adapter.name} takes the template ${name}, which is not known`);
        const wire = wireOfTemplate(template);
        return [[wire.path, wire]];
      }),
    );
    this.#stop = systemClock.every(SWEEP_MS, () => this.#sweep());
  }

  /** The methods that it answers: `/metric.HandleMetricService/HandleMetric`. */
  get paths(): readonly string[] {
    return [...this.#wires.keys()];
  }

  /** @throws XebecError unimplemented for a path that is none of its own, invalid_argument; what the handler throws */
  async call(path: string, bytes: Uint8Array): Promise<Uint8Array> {
    const wire = this.#wires.get(path);
    if (!wire) throw new XebecError("unimplemented", `the adapter ${this.#adapter.name} has no method ${path}`);
    const request = requestOf(wire, bytes);
    const made = this.#acquire(request.config);
    made.calls++;
    try {
      return await answerOf(wire, request, await made.handler);
    } catch (error) {
      throw said(error);
    } finally {
      made.calls--;
      made.usedAt = performance.now();
    }
  }

  /** Makes the handler that calls with these parameters will use. @throws XebecError when it cannot work */
  async prepare(config: HandleRequest["config"]): Promise<void> {
    await this.#acquire(config).handler.catch((error: unknown) => {
      throw said(error);
    });
  }

  async close(): Promise<void> {
    this.#stop();
    const all = [...this.#made.values()];
    this.#made.clear();
    await Promise.all(all.map((each) => closeHandler(each)));
  }

  #acquire(config: HandleRequest["config"]): Made {
    if (config?.typeUrl !== JSON_PARAMS)
      throw new XebecError(
        "invalid_argument",
        `the adapter ${this.#adapter.name} takes parameters of handlers with compiledAdapter, not ${config?.typeUrl ?? "none"}`,
      );
    const key = Buffer.from(config.value).toString("latin1");
    const known = this.#made.get(key);
    if (known) return known;
    if (this.#made.size >= MAX_HANDLERS) this.#sweep(0);
    if (this.#made.size >= MAX_HANDLERS)
      throw new XebecError("resource_exhausted", `there are ${MAX_HANDLERS} handlers already`);
    const params = readParams(this.#adapter, config.value);
    const identity = JSON.stringify([params.service, params.handler]);
    const before = [...this.#made].find(([, each]) => each.identity === identity && !each.replaced);
    const handler = this.#make(params, before);
    const made: Made = { identity, handler, usedAt: performance.now(), calls: 0, replaced: false };
    this.#made.set(key, made);
    // One that cannot work now may be able to later.
    handler.catch(() => {
      if (this.#made.get(key) === made) this.#made.delete(key);
    });
    return made;
  }

  /** The handler of the configuration before goes on with the new one if it can, and ends otherwise when its calls have. */
  async #make(params: HandlerParams, before: [string, Made] | undefined): Promise<Handler> {
    const context = this.#context(params);
    if (before) {
      const [key, old] = before;
      const handler = await old.handler.catch(() => undefined);
      if (handler && (await handler.reconfigure?.(params.config as never, context)) === true) {
        if (this.#made.get(key) === old) this.#made.delete(key);
        return handler;
      }
      old.replaced = true;
    }
    const handler = await this.#adapter.create(params.config as never, context);
    await handler.start?.();
    return handler;
  }

  #context(params: HandlerParams): HandlerContext {
    const instances: readonly InstanceShape[] = params.instances;
    return handlerContext({ clock: this.#clock, ...this.#contextOf(params), handler: params.handler, instances });
  }

  #sweep(idleMs = IDLE_MS): void {
    const now = performance.now();
    for (const [key, made] of this.#made) {
      if (made.calls > 0 || now - made.usedAt < (made.replaced ? Math.min(idleMs, REPLACED_MS) : idleMs)) continue;
      this.#made.delete(key);
      void closeHandler(made);
    }
  }
}

export interface CallOptions {
  readonly clock?: Clock;
  readonly contextOf?: ServedContext;
}

function requestOf(wire: WireTemplate, bytes: Uint8Array): HandleRequest {
  try {
    return decodeRequest(wire, bytes);
  } catch (error) {
    throw new XebecError("invalid_argument", `the request is none of ${wire.path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Operators read what an adapter throws. */
function said(error: unknown): XebecError {
  if (isXebecError(error)) return error;
  return new XebecError("unknown", error instanceof Error ? error.message : String(error), { cause: error });
}

async function answerOf(wire: WireTemplate, request: HandleRequest, handler: Handler): Promise<Uint8Array> {
  const { name, variety } = wire.template;
  const [first] = request.instances;
  const missing = (): XebecError =>
    new XebecError("unimplemented", `the adapter's handler has no method for the template ${name}`);
  if (variety === "report") {
    if (!handler.report) throw missing();
    await handler.report(request.instances as never, name);
    return new Uint8Array();
  }
  if (!first) throw new XebecError("invalid_argument", "the request has no instance");
  if (variety === "check") {
    if (!handler.check) throw missing();
    return encodeCheckResult(await handler.check(first as never, name), wire);
  }
  if (variety === "attributes") {
    if (!handler.attributes) throw missing();
    return encodeOutput((await handler.attributes(first as never, name)) as never, wire);
  }
  if (!handler.quota) throw missing();
  if (!request.quota) throw new XebecError("invalid_argument", `the request asks no amount of ${first.name}`);
  return encodeQuotaResult(await handler.quota(first as never, request.quota), first.name);
}

async function closeHandler({ handler }: Made): Promise<void> {
  // What could not be made was said to its caller.
  const made = await handler.catch(() => undefined);
  await made?.close?.();
}
