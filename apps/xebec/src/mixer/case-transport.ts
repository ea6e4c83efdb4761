import { XebecError } from "@xebec/core-errors";
import { createMetrics } from "@xebec/core-metrics";
import type { LoadedAdapter } from "@xebec/mixer-loader";
import { createRemoteFactory } from "@xebec/mixer-remote";
import { type Adapter, adapterHost, type Handler } from "@xebec/mixer-sdk";
import { ManualClock, startHandler } from "@xebec/mixer-sdk/testkit";
import { adapterComponent } from "@xebec/mixer-serve";
import { createMemoryBus, createNatsBus } from "@xebec/platform-bus";

export const TRANSPORTS = ["process", "grpc", "bus", "worker"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** A handler of one case. */
export interface CaseHandler {
  readonly handler: Handler;
  /** Moves the clock of the adapter, wherever it runs. */
  advance(ms: number): void | Promise<void>;
  close(): Promise<void>;
}

/** How long a call of a case may take. */
const TIMEOUT = "10s";

/** An adapter where a transport has it. */
export interface PlacedAdapter {
  readonly adapter: Adapter;
  /** Moves the clock of the adapter, wherever it runs. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes a handler whose adapter runs where the transport says, with a clock that only `advance` moves.
 * @param servers of the bus; absent: one in memory
 * @throws TypeError when the parameters are wrong
 */
export async function openCase(
  loaded: LoadedAdapter,
  params: unknown,
  transport: Transport,
  servers: readonly string[] = [],
): Promise<CaseHandler> {
  const { adapter, advance, close: ends } = await placeAdapter(loaded, transport, servers);
  try {
    const handler = await startHandler(adapter, params);
    const close = async (): Promise<void> => {
      await handler.close?.();
      await ends();
    };
    return { handler, advance, close };
  } catch (error) {
    await ends();
    throw error;
  }
}

/**
 * Runs an adapter where the transport says, with a clock that only `advance` moves.
 * @param servers of the bus; absent: one in memory
 */
export async function placeAdapter(
  { info, module }: LoadedAdapter,
  transport: Transport,
  servers: readonly string[] = [],
): Promise<PlacedAdapter> {
  const clock = new ManualClock();
  const advance = async (ms: number): Promise<void> => clock.advance(ms);
  if (transport === "process") {
    const inner = module.createAdapter(adapterHost());
    const create: Adapter["create"] = (config, context) => inner.create(config, { ...context, clock });
    return { adapter: { ...inner, create }, advance, close: async () => undefined };
  }
  if (transport === "worker") {
    const remote = createRemoteFactory({ now: clock.now() });
    const inner = remote.elsewhere(info, { address: "worker://", timeout: TIMEOUT });
    const made: (Handler & { advance?(ms: number): Promise<void> })[] = [];
    const create: Adapter["create"] = async (config, context) => {
      const handler = await inner.create(config, context);
      made.push(handler);
      return handler;
    };
    const all = async (ms: number): Promise<void> => void (await Promise.all(made.map((each) => each.advance?.(ms))));
    return { adapter: { ...inner, create }, advance: all, close: async () => undefined };
  }
  const bus = servers.length > 0 ? createNatsBus({ servers, name: "adapter", provision: false }) : createMemoryBus();
  const name = `${info.name}-test-${process.pid}`;
  const where = transport === "grpc" ? { address: "127.0.0.1:0" } : { bus: { servers, name } };
  const { component, port } = await adapterComponent(
    module,
    { ...where, clock },
    { metrics: createMetrics(), ...(transport === "bus" ? { bus } : {}) },
  );
  const signal = new AbortController().signal;
  await bus.start(signal);
  await component.start(signal);
  const close = async (): Promise<void> => {
    await component.close?.();
    await bus.close?.();
  };
  if (transport === "bus")
    await reached(bus, name).catch(async (error: unknown) => {
      await close();
      throw error;
    });
  const address = transport === "grpc" ? `127.0.0.1:${port()}` : `bus://${name}`;
  return { adapter: createRemoteFactory({ bus }).elsewhere(info, { address, timeout: TIMEOUT }), advance, close };
}

/** Waits until the adapter answers on the bus. @throws XebecError unavailable */
async function reached(bus: ReturnType<typeof createMemoryBus>, name: string): Promise<void> {
  const end = performance.now() + 10_000;
  for (;;) {
    const error: unknown = await bus
      .request(`adapters.${name}`, new Uint8Array(), { timeoutMs: 1_000 })
      .catch((thrown: unknown) => thrown);
    // It has no such method: it is there.
    if (error instanceof XebecError && error.code === "unimplemented") return;
    if (performance.now() > end) throw new XebecError("unavailable", "the bus cannot be reached", { cause: error });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
