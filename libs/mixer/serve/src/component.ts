import { readFileSync } from "node:fs";
import { parseAddress } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import { type Component, compose } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { createMetrics, type Metrics } from "@xebec/core-metrics";
import { type Adapter, type AdapterModule, adapterHost, type HandlerLimits } from "@xebec/mixer-sdk";
import { createDeliver } from "@xebec/mixer-sinks/delivery";
import { decodeCall } from "@xebec/mixer-wire";
import { type Bus, openBus, type Responder } from "@xebec/platform-bus";
import { createGrpcServer, createTlsSource, grpcHealth, rawUnary, type TlsSource } from "@xebec/platform-grpc";
import { AdapterCalls } from "./adapter-calls.ts";
import type { ServeOptions } from "./serve-options.ts";
import { servedContext } from "./served-context.ts";

/** Most calls of the bus that one copy works on at once. */
const MAX_CALLS = 1_000;
const MAX_MESSAGE_BYTES = 4 << 20;

/**
 * The parts that serve an adapter, as one component; it is not started.
 * @param parts.bus one that is there already
 */
export async function adapterComponent(
  given: Adapter | AdapterModule,
  options: ServeOptions,
  parts: { readonly metrics?: Metrics; readonly bus?: Bus } = {},
): Promise<{ readonly component: Component; readonly port: () => number }> {
  const { metrics = createMetrics() } = parts;
  if (options.address === undefined && !options.bus && !parts.bus)
    throw new XebecError("invalid_argument", "an adapter is served at an address, on the bus, or both");
  const bus = parts.bus ?? (options.bus && (await busOf(options.bus, metrics)));
  const host = adapterHost({ limits: EVERYTHING, deliver: createDeliver() });
  const adapter = "createAdapter" in given ? given.createAdapter(host) : given;
  const health = new Map<string, string>();
  const clock = options.clock ? { clock: options.clock } : {};
  const calls = new AdapterCalls(adapter, { ...clock, contextOf: servedContext(adapter, metrics, health) });
  const own: Component = {
    name: `adapter ${adapter.name}`,
    start: async () => {},
    missing: () => [...health].map(([handler, why]) => `${handler} ${why}`),
    close: () => calls.close(),
  };
  const components = [own];
  if (bus) components.push(...(parts.bus ? [] : [bus]), onBus(bus, options.bus?.name ?? adapter.name, calls));
  let port = (): number => 0;
  if (options.address !== undefined) {
    const server = createGrpcServer({
      ...{ name: `${adapter.name} gRPC`, address: parseAddress(options.address), metrics, reflection: true },
      services: [...calls.paths.map((path) => rawUnary(path, (bytes) => calls.call(path, bytes))), grpcHealth([own])],
      limits: { maxMessageBytes: MAX_MESSAGE_BYTES },
      ...(options.tls ? { tls: tlsOf(options.tls) } : {}),
    });
    port = () => server.port;
    components.push(server);
  }
  return { component: compose(`adapter ${adapter.name}`, components), port };
}

function onBus(bus: Bus, name: string, calls: AdapterCalls): Component {
  const log = logger("adapters");
  const running = new Set<Promise<Uint8Array>>();
  let responder: Responder | undefined;
  return {
    name: `bus://${name}`,
    async start() {
      responder = bus.respond(
        `adapters.${name}`,
        async (bytes) => {
          if (running.size >= MAX_CALLS) throw new XebecError("resource_exhausted", `${MAX_CALLS} calls wait already`);
          const { path, request } = decodeCall(bytes);
          const call = calls.call(path, request);
          running.add(call);
          return call.finally(() => running.delete(call));
        },
        { group: name },
      );
      log.info({ subject: `adapters.${name}` }, "the adapter answers on the bus");
    },
    missing: () => (bus.connected ? [] : ["the bus is down"]),
    async close() {
      await responder?.drain();
      await Promise.allSettled(running);
    },
  };
}

function busOf({ servers, seedFile, caFile }: NonNullable<ServeOptions["bus"]>, metrics: Metrics): Promise<Bus> {
  if (servers.length === 0) throw new XebecError("invalid_argument", "the bus has no servers");
  return openBus(
    { busURL: servers, busSeedFile: seedFile, busKeysFile: undefined, busCAFile: caFile },
    "adapter",
    metrics,
  );
}

function tlsOf({ certFile, keyFile, clientCAFile }: NonNullable<ServeOptions["tls"]>): TlsSource {
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      throw new XebecError("not_found", `${path} cannot be read`, { cause: error });
    }
  };
  const ca = clientCAFile === undefined ? {} : { ca: read(clientCAFile) };
  const material = { cert: read(certFile), key: read(keyFile), ...ca };
  return createTlsSource(material, { requireClientCertificate: clientCAFile !== undefined });
}

/** The process is the adapter's own. */
const EVERYTHING: HandlerLimits = {
  addressRefusal: () => undefined,
  fileRefusal: () => undefined,
  directories: ["/"],
};
