import { loadWholeApi } from "@xebec/api-envoy";
import { Turns } from "@xebec/core-async";
import type { Component } from "@xebec/core-lifecycle";
import { type ConfigPosition, decodeResource, type MeshConfigSpec } from "@xebec/model-resources";
import { ServiceEntryRegistry, type ServiceRegistry } from "@xebec/pilot-registry";
import {
  type ConfigChange,
  type JwksFetch,
  keySetRefsIn,
  SnapshotBuilder,
  type SnapshotChange,
} from "@xebec/pilot-snapshot";
import { type Bus, createRevisionReader } from "@xebec/platform-bus";
import { createKeySets, type KeySetsOptions } from "../key-sets/key-sets.ts";
import { createGatewayHosts, type GatewayHostsOptions } from "../network-gateways/gateway-hosts.ts";
import { busSecrets } from "./bus-secrets.ts";
import { decoded } from "./decode.ts";
import { InOrder } from "./in-order.ts";

/**
 * How long a change of the configuration waits for the key sets that it refers to first, in milliseconds. Without them, tokens would
 * be refused for as long as fetching takes.
 */
const KEY_SETS_MS = 2_000;
/** How long it waits for the addresses of gateways' hosts, in milliseconds: without them, endpoints of other networks would be called directly. */
const GATEWAY_HOSTS_MS = 2_000;
const NO_CHANGE: ConfigChange = { puts: [], deletes: [] };

export interface PilotStateOptions {
  readonly bus: Bus;
  readonly domain: string;
  readonly trustDomain: string;
  /** Of the control plane. */
  readonly systemNamespace: string;
  /** The mesh configuration while there is no object of it. */
  readonly mesh?: MeshConfigSpec;
  /** True when every proxy takes HTTP/1.0 from its clients. */
  readonly http10?: boolean;
  /** True when routers serve the Gateways of their own namespace alone. */
  readonly ownNamespaceGateways?: boolean;
  /** Who fetches the keys that verify tokens, and how pilot does it. */
  readonly jwksFetch?: JwksFetch;
  readonly keySets: Omit<KeySetsOptions, "onChange" | "cacheFile">;
  /** How hosts of network gateways are looked up, where not by default. */
  readonly gatewayHosts?: Omit<GatewayHostsOptions, "onChange">;
  /** Platform registries beside the ServiceEntries; nothing is served before each has reported its whole state. */
  readonly registries: readonly ServiceRegistry[];
  /** True when Secrets come over the bus: nothing is served before they were read. */
  readonly secrets?: boolean;
  /** Directory of the last known good state, so that a restart serves while the bus is down. */
  readonly cacheDir?: string;
  /** Gets every snapshot from the first complete one on. */
  readonly onSnapshot: (change: SnapshotChange) => void;
  /** Told how far the configuration was applied, after the snapshot that has it. */
  readonly onReached: (position: ConfigPosition) => void;
}

/** What a new snapshot comes from. */
type Input = ServiceRegistry | "config" | "secrets" | "keySets" | "gatewayHosts" | "registrations";

/** Makes snapshots of the bucket `config` and of the registries. It owns the current one. */
export interface PilotState extends Component {
  readonly builder: SnapshotBuilder;
  /** Takes objects that come from no source of configuration: workloads that register themselves. */
  register(change: ConfigChange): Promise<void>;
}

export function createPilotState(options: PilotStateOptions): PilotState {
  const {
    bus,
    domain,
    trustDomain,
    systemNamespace,
    mesh,
    http10 = false,
    registries,
    cacheDir,
    onSnapshot,
    onReached,
  } = options;
  const { jwksFetch = "istiod" } = options;
  const { ownNamespaceGateways = false } = options;
  const snapshotOptions = {
    ...{ domain, trustDomain, systemNamespace, http10, ownNamespaceGateways, jwksFetch },
    ...(mesh ? { mesh } : {}),
  };
  const builder = new SnapshotBuilder({
    ...snapshotOptions,
    registries: [...registries, new ServiceEntryRegistry()],
  });
  const config = "config";
  const keySets = createKeySets({
    ...options.keySets,
    ...(cacheDir ? { cacheFile: `${cacheDir}/key-sets.json` } : {}),
    onChange(change) {
      builder.reportKeySets(change);
      void build("keySets", NO_CHANGE, new Turns());
    },
  });
  const gatewayHosts = createGatewayHosts({
    ...options.gatewayHosts,
    ...(cacheDir ? { cacheFile: `${cacheDir}/gateway-addresses.json` } : {}),
    onChange(change) {
      builder.reportHostAddresses(change);
      void build("gatewayHosts", NO_CHANGE, new Turns());
    },
  });
  /** What has not been whole yet. */
  const awaited = new Set<Input>([config, ...(options.secrets ? (["secrets"] as const) : []), ...registries]);
  // Nothing is served before all are whole; what changed until then is served with them.
  const before = new Set<string>();
  let complete = false;

  const built = (from: Input, { snapshot, changed }: SnapshotChange): void => {
    awaited.delete(from);
    if (awaited.size > 0) {
      for (const key of changed) before.add(key);
      return;
    }
    if (complete) {
      if (changed.size > 0) onSnapshot({ snapshot, changed });
      return;
    }
    complete = true;
    onSnapshot({ snapshot, changed: new Set([...before, ...changed]) });
  };
  /** Applies a change, and what DNS says of hosts that came with it. */
  const applied = async (change: ConfigChange, turns: Turns): Promise<SnapshotChange> => {
    const first = await builder.applyInTurns(change, turns);
    const lookedUp = gatewayHosts.keep(builder.gatewayHosts, GATEWAY_HOSTS_MS);
    if (!lookedUp) return first;
    await lookedUp;
    const { snapshot, changed } = builder.apply();
    return { snapshot, changed: new Set([...first.changed, ...changed]) };
  };
  let last: Promise<void> | undefined;
  /** Builds the next snapshot when those before are done; with nothing under way, at once. */
  const build = (from: Input, change: ConfigChange, turns: Turns): Promise<void> => {
    const work = async (): Promise<void> => built(from, await applied(change, turns));
    const mine = last ? last.then(work, work) : work();
    last = mine;
    const done = (): void => {
      if (last === mine) last = undefined;
    };
    mine.then(done, done);
    return mine;
  };
  for (const registry of registries)
    registry.watch((_change, turns = new Turns()) => build(registry, NO_CHANGE, turns));
  const order = new InOrder();
  const reader = createRevisionReader({
    bus,
    bucket: "config",
    name: "pilot config",
    ...(cacheDir ? { cacheFile: `${cacheDir}/config.cache` } : {}),
    apply: ({ puts, deletes }) =>
      order.add(async () => {
        const turns = new Turns();
        const change = { puts: await decoded(puts, decodeResource, turns), deletes: [...deletes] };
        // Its patches are in Envoy's own words, of which any may be needed.
        if (change.puts.some(({ kind }) => kind === "EnvoyFilter")) await loadWholeApi();
        if (jwksFetch !== "envoy") await keySets.prepare(keySetRefsIn(change.puts, snapshotOptions), KEY_SETS_MS);
        await build(config, change, turns);
        keySets.keepOnly(builder.keySetRefs);
      }),
    reached: (position) => order.whenDone(() => onReached(position)),
  });
  const secrets = options.secrets ? busSecrets(bus, cacheDir, (change, turns) => build("secrets", change, turns)) : [];
  const inputs = [reader, ...secrets, ...registries];
  return {
    name: "state",
    builder,
    register: (change) => build("registrations", change, new Turns()),
    async start(signal) {
      await keySets.start?.(signal);
      await gatewayHosts.start?.(signal);
      for (const each of inputs) await each.start(signal);
    },
    missing() {
      const missing = inputs.flatMap((each) => [...(each.missing?.() ?? [])]);
      if (missing.length > 0) return missing;
      if (order.failed) return ["a change could not be taken over; the log says why"];
      return complete ? [] : ["the first state is being taken over"];
    },
    async close() {
      for (const each of [...inputs, keySets, gatewayHosts]) await each.close?.();
    },
  };
}
