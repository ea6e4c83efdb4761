import {
  type AdapterAddress,
  type RemoteAdapterInfo,
  type RemoteConfig,
  readAdapterAddress,
} from "@xebec/mixer-config";
import { installedFrom } from "@xebec/mixer-loader";
import type { RemoteFactory } from "@xebec/mixer-runtime";
import {
  type Adapter,
  type AdapterHost,
  type AdapterInfo,
  adapterHost,
  durationMs,
  type HandlerContext,
  type HandlerLimits,
  TEMPLATES,
} from "@xebec/mixer-sdk";
import { JSON_PARAMS, type WireTemplate, wireOfTemplate } from "@xebec/mixer-wire";
import type { Connection } from "@xebec/model-resources";
import type { Bus } from "@xebec/platform-bus";
import { openBusChannel } from "./bus-channel.ts";
import { type Channel, openChannel } from "./channel.ts";
import { RemoteHandler } from "./remote-handler.ts";
import { openWorkerChannel } from "./worker-channel.ts";

/** Most descriptions that are kept; more are made anew with each configuration. */
const KEPT = 1000;
/** Handlers that say nothing wait so long, in milliseconds. */
const TIMEOUT_MS = 10_000;

export interface RemoteOptions {
  /** The service that calls. */
  readonly service?: string;
  /** What handlers may reach; absent: whatever there is. */
  readonly limits?: HandlerLimits | undefined;
  readonly bus?: Bus | undefined;
  /** Workers have a clock that begins here, in milliseconds since 1970, and moves only when they are told to: for tests. */
  readonly now?: number | undefined;
  /** What an adapter in a worker may use of this process. */
  readonly hostOf?: ((info: AdapterInfo) => AdapterHost) | undefined;
}

/** Makes adapters that run elsewhere: in another process, or in a thread of their own. */
export function createRemoteFactory(options: RemoteOptions = {}): RemoteFactory {
  const { service = "mixer", limits, bus } = options;
  const described = new Map<string, Adapter>();
  /** By the adapter as it was loaded: changed code makes new handlers. */
  const elsewhere = new WeakMap<AdapterInfo, Map<string, Adapter>>();

  const channelOf = (info: AdapterInfo | undefined, connection: Connection, context: HandlerContext): Channel => {
    const address = addressOf(connection);
    const timeoutMs = connection.timeout ? durationMs(connection.timeout) : TIMEOUT_MS;
    if (address.kind === "bus") return openBusChannel(bus, address.name, timeoutMs);
    if (address.kind === "grpc") return openChannel(address.target, connection, context, limits);
    if (!info) throw new TypeError("only an adapter of this process runs in a worker: name it in compiledAdapter");
    return openWorkerChannel({
      adapter: { adapter: info.name, module: installedFrom(info.name) },
      spec: info.worker,
      context,
      host: options.hostOf?.(info) ?? adapterHost(limits ? { limits } : {}),
      timeoutMs,
      now: options.now,
    });
  };

  return {
    described: (info: RemoteAdapterInfo) =>
      kept(described, info.version, () => {
        const { name, description, templates } = info;
        return {
          ...{ name, description, config: {}, templates: templates.map((each) => each.template.name) },
          create({ connection, any }: RemoteConfig, context: HandlerContext) {
            const config = any && { typeUrl: any.typeUrl, value: Buffer.from(any.value, "base64") };
            return new RemoteHandler(templates, channelOf(undefined, connection, context), config);
          },
        };
      }),
    elsewhere(info: AdapterInfo, connection: Connection) {
      const known = elsewhere.get(info) ?? new Map<string, Adapter>();
      elsewhere.set(info, known);
      return kept(known, JSON.stringify(connection), () => {
        const templates = wiresOf(info);
        const configOf = (params: object, { handler, instances }: HandlerContext) => ({
          typeUrl: JSON_PARAMS,
          value: Buffer.from(JSON.stringify({ handler, service, instances, params })),
        });
        return {
          ...info,
          create: (params: object, context: HandlerContext) =>
            new RemoteHandler(templates, channelOf(info, connection, context), configOf(params, context), configOf),
        };
      });
    },
  };
}

function kept(made: Map<string, Adapter>, key: string, make: () => object): Adapter {
  let found = made.get(key);
  if (found) return found;
  found = make() as Adapter;
  if (made.size >= KEPT) made.clear();
  made.set(key, found);
  return found;
}

function wiresOf(info: AdapterInfo): WireTemplate[] {
  return info.templates.flatMap((each) => {
    const template = TEMPLATES.get(each);
    return template ? [wireOfTemplate(template)] : [];
  });
}

function addressOf({ address = "" }: Connection): AdapterAddress {
  const found = readAdapterAddress(address);
  if (typeof found === "string") throw new TypeError(`the address ${found}`);
  return found;
}
