import { XebecError } from "@xebec/core-errors";
import { createMetrics } from "@xebec/core-metrics";
import type { LoadedAdapter } from "@xebec/mixer-loader";
import { createRemoteFactory } from "@xebec/mixer-remote";
import { adapterHost, type Handler } from "@xebec/mixer-sdk";
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

/**
 * Makes a handler whose adapter runs where the transport says, with a clock that only `advance` moves.
 * @param servers of the bus; absent: one in memory
 * @throws TypeError when the parameters are wrong
 */
export async function openCase(
  { info, module }: LoadedAdapter,
  params: unknown,
  transport: Transport,
  servers: readonly string[] = [],
): Promise<CaseHandler> {
  const clock = new ManualClock();
  const started = async (adapter: Parameters<typeof startHandler>[0], ends: () => Promise<void>, handlerClock = {}) => {
    try {
      const handler = await startHandler(adapter, params, handlerClock);
      const close = async (): Promise<void> => {
        await handler.close?.();
        await ends();
      };
      return { handler, close };
    } catch (error) {
      await ends();
      throw error;
    }
  };
  const advance = (ms: number): void => clock.advance(ms);
  if (transport === "process") {
    const adapter = module.createAdapter(adapterHost());
    return { ...(await started(adapter, async () => undefined, { clock })), advance };
  }
  if (transport === "worker") {
    const remote = createRemoteFactory({ now: clock.now() });
    const adapter = remote.elsewhere(info, { address: "worker://", timeout: TIMEOUT });
    const { handler, close } = await started(adapter, async () => undefined);
    const moved = handler as Handler & { advance?(ms: number): Promise<void> };
    return { handler, close, advance: async (ms) => moved.advance?.(ms) };
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
  const ends = async (): Promise<void> => {
    await component.close?.();
    await bus.close?.();
  };
  if (transport === "bus")
    await reached(bus, name).catch(async (error: unknown) => {
      await ends();
      throw error;
    });
  const remote = createRemoteFactory({ bus });
  const address = transport === "grpc" ? `127.0.0.1:${port()}` : `bus://${name}`;
  return { ...(await started(remote.elsewhere(info, { address, timeout: TIMEOUT }), ends)), advance };
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
