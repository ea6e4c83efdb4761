import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { loadWholeApi } from "@xebec/api-envoy";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import type { SecretRecord } from "@xebec/model-pki";
import { type HostAddress, keyOf, type Resource } from "@xebec/model-resources";
import { workloadKey } from "@xebec/model-workloads";
import { type JwksFetch, keySetRefsIn, objectConditions } from "@xebec/pilot-snapshot";
import { MeshBuilder, type MeshChange } from "@xebec/pilot-snapshot/testkit";
import { createGatewayHosts, createKeySets, type NackReport, Registrations, XdsServer } from "@xebec/pilot-xds-server";
import { createGrpcServer } from "@xebec/platform-grpc";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import { createTestCa, freePorts, startDns, tempDir } from "@xebec/testing-launch";
import { labAgent, withAgent } from "./agent.ts";
import type { Arrival, HttpAnswer, TcpAnswer, Upstream } from "./calls.ts";
import { withoutIptables } from "./captured.ts";
import { certified } from "./certified.ts";
import { LabEnvoy } from "./envoy.ts";
import { type Objects, resourcesOf } from "./given.ts";
import { type LabProxy, type LabService, nodeOf, recordsOf, upstreamsOf } from "./mesh.ts";
import { openNamespace } from "./namespace.ts";
import { testSecrets } from "./secrets.ts";
import { isUpToDate } from "./up-to-date.ts";
import { type HttpCall, type TcpCall, waysOf } from "./ways.ts";

export type { Objects } from "./given.ts";
export type { HttpCall, TcpCall } from "./ways.ts";

const DNS = "127.0.0.1:53";
export interface LabOptions {
  readonly proxies: Readonly<Record<string, LabProxy>>;
  readonly services?: readonly LabService[];
  /** Servers that no service of the registry has. */
  readonly upstreams?: readonly Upstream[];
  /** Istio objects that are there from the beginning. */
  readonly objects?: Objects;
  /** Kubernetes' Secrets that are there from the beginning; with them, or an empty list, proxies have certificates. */
  readonly secrets?: readonly SecretRecord[];
  /** More flags of every Envoy. */
  readonly flags?: readonly string[];
  /** How often keys that verify tokens are fetched, in milliseconds; never again unless it is said. */
  readonly refreshKeysMs?: number;
  readonly jwksFetch?: JwksFetch;
  /** What DNS says to pilot: addresses by host. Pilot asks again whenever it may. */
  readonly pilotNames?: ReadonlyMap<string, readonly string[]>;
  /** The proxy whose agent fetches the modules of WasmPlugins. */
  readonly agentOf?: string;
  /** Proxies speak the Delta form, and get virtual hosts one by one. `XEBEC_LAB_VHDS=1` says so for every lab. */
  readonly vhds?: boolean;
}

export interface Answered extends HttpAnswer {
  /** Its id, by which servers know its requests. */
  readonly call: string;
}

/** A connection that stays open. */
export interface Stream {
  readonly status: number;
  readonly by: string;
  /** Sends a text and waits for the next one. */
  say(text: string): Promise<string>;
  closed(): Promise<boolean>;
  close(): Promise<void>;
}

/** A connection for many requests. */
export interface KeptAlive {
  /** Makes a request like the one it was opened for, or a little different. @returns status 0 when the connection is gone */
  request(more?: Partial<HttpCall>): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/**
 * Pilot's real xDS server, real Envoys and servers of all sorts in a network namespace of their own, for one test file. One lab
 * serves many cases: give each case hosts of its own, and apply the objects of many cases at once.
 */
export type Lab = Awaited<ReturnType<typeof openLab>>;

/** Opens a lab. @returns when every proxy has its first configuration */
export async function openLab(options: LabOptions) {
  const { proxies, services = [], upstreams = [], objects = [], flags = [], secrets, jwksFetch = "istiod" } = options;
  const { vhds = process.env.XEBEC_LAB_VHDS === "1" } = options;
  // EnvoyFilters are in Envoy's own words.
  await loadWholeApi();
  const folder = tempDir();
  const socket = folder.file("xds.sock");
  const ca = createTestCa();
  const metrics = createMetrics();
  const nacks: NackReport[] = [];
  const nackTexts = (): string[] =>
    nacks.splice(0).map(({ proxy, type, message }) => `${proxy} rejects a ${type}: ${message}`);
  const builder = new MeshBuilder({ jwksFetch });
  const registrations = new Registrations({
    groupOf: (key) => builder.snapshot.workloadGroups.get(key),
    entryOf: (key) => builder.snapshot.workloadEntries.get(key),
    apply: (config) => update({ config }),
    graceMs: 100,
  });
  const xds = new XdsServer({
    registrations,
    metrics,
    vhdsFrom: vhds ? 1 : 0,
    onNack: (report) => nacks.push(report),
  });
  const update = (change: MeshChange): Promise<void> => xds.update(builder.apply(change));
  const refreshMs = options.refreshKeysMs ?? 3_600_000;
  /** They are on this machine here, outside of the namespace. */
  const keySets = createKeySets({
    ...{ policy: createAddressPolicy(["127.0.0.0/8"]), metrics, schedule: { refreshMs, retryMs: refreshMs } },
    onChange: (change) => void update({ keySets: change }),
  });
  /** Puts objects when the keys that they refer to were fetched, as pilot does. */
  const updateConfig = async (
    puts: readonly Resource[],
    deletes: readonly string[],
    change: MeshChange,
  ): Promise<void> => {
    if (jwksFetch !== "envoy")
      await keySets.prepare(keySetRefsIn(puts, { domain: "cluster.local", trustDomain: "cluster.local" }), 2_000);
    await update({ ...change, config: { puts, deletes } });
    keySets.keepOnly(builder.builder.keySetRefs);
    await gatewayHosts.keep(builder.builder.gatewayHosts, 2_000);
  };
  const dns = options.pilotNames && { port: (await freePorts(1))[0], names: options.pilotNames };
  const endDns = dns && (await startDns(`127.0.0.1:${dns.port}`, dns.names));
  const gatewayHosts = createGatewayHosts({
    ...(dns ? { servers: [`127.0.0.1:${dns.port}`] } : {}),
    times: { minTtlMs: 20, maxTtlMs: 20, retryMs: 20, timeoutMs: 1_000 },
    onChange: (change) => void update({ hostAddresses: change }),
  });
  const sds = testSecrets(ca);
  const agentNode = options.agentOf === undefined ? undefined : proxies[options.agentOf];
  const agent =
    agentNode && labAgent(nodeOf(options.agentOf ?? "", withAgent(agentNode)), socket, folder.file("modules"));
  const server = createGrpcServer({
    ...{ name: "xds", address: { path: socket }, metrics },
    services: [withoutIptables(secrets ? certified(xds) : xds.service()), sds, ...(agent ? [agent.service] : [])],
  });
  const namespace = await openNamespace();
  const envoys = new Map<string, LabEnvoy>();
  const addresses = new Map<string, string>();

  const hasAnswers = (): boolean => {
    for (const each of envoys.values()) assert.ok(!each.exited, each.output());
    return nacks.length > 0 || isUpToDate(xds, envoys.size);
  };
  const settled = async (): Promise<void> => {
    for (let round = 0; round < 2; round++) {
      await waitFor("every proxy has what it should have", 20_000, hasAnswers, 3);
      assert.deepEqual(nackTexts(), []);
      for (const each of envoys.values()) await each.settled();
    }
  };

  const { connectionOf, requestOf, placeOf } = waysOf(proxies, (each) => addresses.get(each));

  const lab = {
    /** The authority that issued every proxy's certificate. */
    ca,
    folder,
    envoys: envoys as ReadonlyMap<string, LabEnvoy>,
    namespace,
    xds,
    /** How the agent of a proxy calls pilot: where, and as whom. */
    agentOf: (name: string) => ({
      target: { address: { path: socket } },
      node: { cluster: "test", ...nodeOf(name, proxies[name] as LabProxy) },
    }),

    /** Puts objects and services, or new forms of them, and waits until the proxies have them. @throws when one is refused */
    async apply(given: Objects, more: readonly LabService[] = []): Promise<void> {
      await lab.send(given, more);
      await settled();
    },

    /** The same without waiting for the proxies. */
    async send(given: Objects, more: readonly LabService[] = []): Promise<void> {
      const puts = resourcesOf(given);
      for (const each of more) await serve(each);
      await updateConfig(puts, [], { workloads: { puts: more.flatMap(recordsOf), deletes: [] } });
    },

    /** Puts objects past galley's checks. What the proxies make of them is the caller's matter. */
    put: (puts: readonly Resource[]): Promise<void> =>
      update({ config: { puts, deletes: [] }, workloads: { puts: [], deletes: [] } }),

    /**
     * Puts objects that galley would refuse, as a galley of another version might hand them on, and waits until the proxies have what
     * they accept of them.
     * @returns what they rejected, in order
     */
    async reject(puts: readonly Resource[]): Promise<readonly NackReport[]> {
      await lab.put(puts);
      const isIdle = (): boolean =>
        [...xds.connections].every((each) => [...each.subscriptions.values()].every((sub) => sub.state === "idle"));
      await waitFor("a proxy rejects it, and all else is accepted", 20_000, () => nacks.length > 0 && isIdle(), 3);
      return nacks.splice(0);
    },

    /** The same for objects that galley takes. @returns the message of the first rejection */
    async refusal(given: Objects): Promise<string> {
      return (await lab.reject(resourcesOf(given)))[0]?.message ?? "";
    },

    /**
     * Applies a change of objects, workloads and Secrets at once, and waits until every proxy has accepted it, or one has rejected a
     * part of it. Resources may still wait for what there is not.
     * @returns what was rejected
     */
    async change(change: MeshChange): Promise<readonly NackReport[]> {
      await update(change);
      await waitFor("every proxy answers", 20_000, () => hasAnswers(), 3);
      return nacks.splice(0);
    },

    /** Takes objects and services away and waits until the proxies know. */
    async remove(given: Objects, less: readonly LabService[] = []): Promise<void> {
      const deletes = resourcesOf(given).map(keyOf);
      await updateConfig([], deletes, { workloads: { puts: [], deletes: less.flatMap(recordsOf).map(workloadKey) } });
      await settled();
    },

    /** Puts Secrets, or new forms of them, takes others away, and waits until the proxies have them. @param gone keys of Secrets */
    async keep(puts: readonly SecretRecord[], gone: readonly string[] = []): Promise<void> {
      await update({ secrets: puts, goneSecrets: gone });
      await settled();
    },

    /** Does something while there are these objects too. */
    async during<T>(given: Objects, work: () => Promise<T>): Promise<T> {
      await lab.apply(given);
      try {
        return await work();
      } finally {
        await lab.remove(given);
      }
    },

    /** Starts a server, or takes the place of the one at its address. */
    serve: (upstream: Upstream) => namespace.do("serve", upstream),
    /** Ends the server at an address. */
    unserve: (at: string) => namespace.do("unserve", at),
    /** Gives a host addresses in DNS. */
    name: (host: string, found: readonly string[]) => namespace.do("name", host, found),

    /** Makes one HTTP request. Nothing throws: a call that got no answer has the status 0. */
    async http(call: HttpCall): Promise<Answered> {
      const id = randomUUID();
      const answer = await namespace.do("http", connectionOf(call, ...placeOf(call)), requestOf(call, id));
      return { ...answer, call: id };
    },

    /** What arrived of a call, once it is as much as is said. */
    async arrivals({ call }: Pick<Answered, "call">, atLeast = 1): Promise<readonly Arrival[]> {
      let found: readonly Arrival[] = [];
      await waitFor(`${atLeast} requests of the call arrive`, 10_000, async () => {
        found = await namespace.do("arrivals", call);
        return found.length >= atLeast;
      });
      return found;
    },

    /** Opens a WebSocket, or with `version: "2"` a stream, that stays open. */
    async stream(call: HttpCall): Promise<Stream> {
      const { id, status, by } = await namespace.do(
        "hold",
        connectionOf(call, ...placeOf(call)),
        requestOf(call, randomUUID()),
      );
      return {
        ...{ status, by },
        say: (text) => namespace.do("say", id, text),
        closed: () => namespace.do("closed", id),
        close: () => namespace.do("close", id),
      };
    },

    /** Opens a connection that carries one HTTP/1.1 request after another. */
    async keepAlive(call: HttpCall): Promise<KeptAlive> {
      const id = await namespace.do("keepAlive", connectionOf(call, ...placeOf(call)));
      return {
        request: (more = {}) => namespace.do("requestOn", id, requestOf({ ...call, ...more }, randomUUID())),
        close: () => namespace.do("closeKept", id),
      };
    },

    /** Makes one connection that carries bytes, or TLS with `tls`. */
    tcp: (call: TcpCall): Promise<TcpAnswer> =>
      namespace.do(
        "tcp",
        connectionOf(call, call.host ?? "", call.port),
        call.send ?? "hello\n",
        call.timeoutMs ?? 15_000,
      ),

    /** Waits until the proxies have what they should have. */
    settled,

    /** The condition of an object, as text. */
    condition(kind: string, name: string, namespace = "default"): string {
      for (const { key, reason, message } of objectConditions(builder.snapshot, { routers: [], use: undefined }))
        if (key.endsWith(`/${kind}/${namespace}/${name}`)) return `${reason}: ${message}`;
      return "";
    },

    /** The addresses that the hosts of an object were given. */
    addresses(kind: string, name: string, namespace = "default"): readonly HostAddress[] {
      for (const { key, addresses = [] } of objectConditions(builder.snapshot, { routers: [], use: undefined }))
        if (key.endsWith(`/${kind}/${namespace}/${name}`)) return addresses;
      return [];
    },

    async close(): Promise<void> {
      await keySets.close?.();
      await gatewayHosts.close?.();
      endDns?.();
      for (const each of envoys.values()) await each.stop();
      agent?.close();
      await server.close?.();
      await sds.close();
      await namespace.close();
      folder.remove();
    },
    [Symbol.asyncDispose]: (): Promise<void> => lab.close(),
  };

  const serve = async (service: LabService): Promise<void> => {
    const { name, namespace: owner = "default", address } = service;
    if (address)
      for (const host of [name, `${name}.${owner}`, `${name}.${owner}.svc.cluster.local`]) addresses.set(host, address);
    for (const each of upstreamsOf(service)) await lab.serve(each);
  };

  try {
    await namespace.do("dns", DNS);
    for (const each of upstreams) await lab.serve(each);
    for (const each of services) await serve(each);
    await updateConfig(resourcesOf(objects), [], {
      workloads: { puts: services.flatMap(recordsOf), deletes: [] },
      secrets: secrets ?? [],
    });
    await server.start(new AbortController().signal);
    for (const [name, proxy] of Object.entries(proxies))
      envoys.set(
        name,
        new LabEnvoy(
          name,
          nodeOf(name, proxy === agentNode ? withAgent(proxy) : proxy),
          socket,
          folder.path,
          namespace,
          DNS,
          { flags, delta: vhds },
        ),
      );
    await settled();
  } catch (error) {
    await lab.close();
    throw error;
  }
  return lab;
}
