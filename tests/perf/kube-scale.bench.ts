import { writeFileSync } from "node:fs";
import { sleep, waitFor } from "@xebec/core-async";
import { allCrds } from "@xebec/model-resources";
import { type KubeClient, openKubeClient, pathOf, RESOURCES } from "@xebec/platform-kube";
import { kubeMissing, startKube } from "@xebec/testing-kube";
import { createTestCa, freePorts, startNatsServer, type TempDir, tempDir } from "@xebec/testing-launch";
import { create } from "../kube/galley-lab.ts";
import { connectClients } from "./pilot-mesh.ts";
import { Server } from "./server.ts";
import type { Figure } from "./table.ts";

const [SERVICES, PODS, PROXIES] = [1_000, 10_000, 2_000].map((count, i) =>
  Number(process.env.XEBEC_SCALE?.split(",")[i] ?? count),
) as [number, number, number];
/** Requests to the API server at the same time. */
const AT_ONCE = 32;
const REPEAT = 5;
const READY_MS = 300_000;
const SLICES = { group: "discovery.k8s.io", version: "v1", kind: "EndpointSlice", plural: "endpointslices" };
const RULES = { group: "networking.istio.io", version: "v1", kind: "VirtualService", plural: "virtualservices" };

/**
 * What every service costs with a large cluster on a real API server (whose pods do not run): until it is ready, with proxies, and for one
 * change. `XEBEC_SCALE=SERVICES,PODS,PROXIES` are other sizes.
 */
export async function kubeScaleFigures(): Promise<Figure[]> {
  const missing = kubeMissing(["etcd", "kube-apiserver"]);
  if (missing !== undefined) return [{ what: `a large cluster: ${missing}`, value: "", cpu: "", goal: "" }];
  using folder = tempDir();
  await using kube = await startKube({
    controllers: false,
    apiServerFlags: ["--disable-admission-plugins=ServiceAccount"],
  });
  await using nats = await startNatsServer();
  const client = await openKubeClient({ kubeconfig: kube.kubeconfig });
  await fill(client);
  const figures: Figure[] = [];
  const add = (what: string, value: string, cpu: string): void => void figures.push({ what, value, cpu, goal: "" });
  const { servers, xds } = await startServices(folder, kube.kubeconfig, `nats://${nats.address}`, add);
  await settle(servers);
  for (const [name, server] of servers)
    add(`${name}: ${SERVICES} Services, ${PODS} Pods, everything known`, mib(server.rssKib), seconds(server.cpuMs));

  const pilot = servers.get("pilot") ?? fail();
  const [cpu, rss, began] = [pilot.cpuMs, pilot.rssKib, performance.now()];
  const seen = { text: "", count: 0 };
  using clients = connectClients(xds, PROXIES, (i) => ({
    delta: true,
    id: `sidecar~${addressOf(i)}~p${i}.default~default.svc.cluster.local`,
    onMessage: (bytes) => {
      if (seen.text !== "" && bytes.includes(seen.text)) seen.count++;
    },
  }));
  await clients.complete;
  const took = (performance.now() - began) / 1_000;
  const bytes = clients.list.reduce((sum, each) => sum + each.bytes, 0) / PROXIES / 1024;
  await settle(servers);
  add(
    `pilot: ${PROXIES} proxies come at once (${bytes.toFixed(0)} KiB each)`,
    `${took.toFixed(1)} s, ${((pilot.rssKib - rss) / PROXIES).toFixed(0)} KiB memory each`,
    `${((pilot.cpuMs - cpu) / PROXIES).toFixed(2)} ms each`,
  );
  for (const [name, server] of servers) add(`${name}: with ${PROXIES} proxies`, mib(server.rssKib), "");

  const wait = async (text: string): Promise<void> => {
    await waitFor(`every proxy has ${text}`, 120_000, () => seen.count >= PROXIES);
  };
  const change = async (what: string, make: (n: number) => Promise<string | undefined>): Promise<void> => {
    const start = new Map([...servers].map(([name, server]) => [name, server.cpuMs]));
    let ms = 0;
    for (let n = 1; n <= REPEAT; n++) {
      const began = performance.now();
      seen.count = 0;
      seen.text = "";
      const text = await make(n);
      if (text !== undefined) {
        await wait(text);
        ms += performance.now() - began;
      }
      await settle(servers);
    }
    for (const [name, server] of servers) {
      const each = (server.cpuMs - (start.get(name) ?? 0)) / REPEAT;
      const time = name === "pilot" && ms > 0 ? `at every proxy after ${(ms / REPEAT).toFixed(0)} ms` : "";
      add(`${name}: ${what}`, time, `${each.toFixed(0)} ms`);
    }
  };
  await change("one endpoint comes", async (n) => {
    seen.text = `10.99.0.${n}`;
    await client.patch(SLICES, { namespace: "default", name: "s7-x" }, { endpoints: endpointsOf(7, seen.text) });
    return seen.text;
  });
  await change("one Pod is labelled anew", async (n) => {
    const metadata = { labels: { version: `v${n + 1}` } };
    await client.patch(RESOURCES.pods, { namespace: "default", name: `p${PODS - 1}` }, { metadata });
    return undefined;
  });
  await change("one VirtualService comes", async (n) => {
    await create(client, pathOf(RULES, { namespace: "default" }), {
      ...{ apiVersion: "networking.istio.io/v1", kind: RULES.kind, metadata: { name: `v${n}` } },
      spec: { hosts: [`s${n}`], http: [{ route: [{ destination: { host: `s${n}` } }], timeout: "3s" }] },
    });
    return undefined;
  });
  client.close();
  for (const server of servers.values()) await server[Symbol.asyncDispose]();
  return figures;
}

const mib = (kib: number): string => `${(kib / 1024).toFixed(0)} MiB resident`;
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const addressOf = (pod: number): string => `10.${1 + (pod >> 16)}.${(pod >> 8) & 255}.${pod & 255}`;
function fail(): never {
  throw new Error("there is no pilot");
}

/** Waits until no service computes any more: what a change costs is spent then. */
async function settle(servers: ReadonlyMap<string, Server>): Promise<void> {
  const used = (): number => [...servers.values()].reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  for (let quiet = 0, last = used(); quiet < 2; ) {
    await sleep(1_000);
    const now = used();
    quiet = now - last < 60 ? quiet + 1 : 0;
    last = now;
  }
}

async function startServices(
  folder: TempDir,
  kubeconfig: string,
  bus: string,
  add: (what: string, value: string, cpu: string) => void,
) {
  const ports = await freePorts(12);
  const port = (): number => ports.pop() ?? 0;
  const xds = `127.0.0.1:${port()}`;
  const { cert, key } = createTestCa().issue({ dns: ["istio-sidecar-injector.istio-system.svc"] });
  writeFileSync(folder.file("cert.pem"), cert);
  writeFileSync(folder.file("key.pem"), key);
  const apps: Readonly<Record<string, readonly string[]>> = {
    citadel: ["--kubernetes=true", `--kube-config=${kubeconfig}`, "--address=127.0.0.1", `--grpc-port=${port()}`],
    galley: ["server", "--configSource=kubernetes", `--kubeconfig=${kubeconfig}`, "--enable-validation=false"],
    pilot: ["--registries=Bus", `--grpcAddr=${xds}`, "--secureGrpcAddr=", `--httpAddr=127.0.0.1:${port()}`],
    "sidecar-injector": [
      ...[`--kubeconfig=${kubeconfig}`, `--port=${port()}`, "--address=127.0.0.1"],
      ...[`--tlsCertFile=${folder.file("cert.pem")}`, `--tlsKeyFile=${folder.file("key.pem")}`],
    ],
    "mixer-policy": [`--address=tcp://127.0.0.1:${port()}`],
    "mixer-telemetry": [`--address=tcp://127.0.0.1:${port()}`],
  };
  const began = performance.now();
  const servers = await Promise.all(
    Object.entries(apps).map(async ([app, flags]) => {
      const at = port();
      const monitoring = {
        citadel: [`--monitoring-port=${at}`],
        pilot: [`--monitoringAddr=127.0.0.1:${at}`],
      }[app] ?? ["--monitoringAddress=127.0.0.1", `--monitoringPort=${at}`];
      const all = [...flags, ...monitoring, `--busURL=${bus}`, "--log_output_level=default:error"];
      const server = await Server.start(app, all, `127.0.0.1:${at}`, folder.file(`${app}.log`), READY_MS);
      add(`${app}: ready`, seconds(performance.now() - began), seconds(server.cpuMs));
      return [app, server] as const;
    }),
  );
  return { servers: new Map<string, Server>(servers), xds };
}

async function many(count: number, make: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await make(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** @param more an address beside those of the Service's pods */
function endpointsOf(service: number, more?: string): object[] {
  const pods = Array.from({ length: Math.floor(PODS / SERVICES) }, (_, k) => service + k * SERVICES);
  const endpoints = pods.map((pod) => ({
    addresses: [addressOf(pod)],
    conditions: { ready: true },
    targetRef: { kind: "Pod", namespace: "default", name: `p${pod}` },
  }));
  return more === undefined ? endpoints : [...endpoints, { addresses: [more], conditions: { ready: true } } as never];
}

/** Makes the objects of the cluster. No pod runs: what a kubelet would say of it stands in its status. */
async function fill(client: KubeClient): Promise<void> {
  await create(client, "/api/v1/namespaces", { metadata: { name: "istio-system" } });
  for (const crd of allCrds()) await create(client, pathOf(RESOURCES.customResourceDefinitions), crd);
  await many(SERVICES, (i) =>
    create(client, "/api/v1/namespaces/default/services", {
      metadata: { name: `s${i}` },
      spec: { selector: { app: `s${i}` }, ports: [{ name: "http", port: 80 }] },
    }),
  );
  await many(PODS, async (i) => {
    const name = `p${i}`;
    await create(client, "/api/v1/namespaces/default/pods", {
      metadata: { name, labels: { app: `s${i % SERVICES}`, version: "v1" } },
      spec: { nodeName: `n${i % 100}`, containers: [{ name: "c", image: "x", ports: [{ containerPort: 80 }] }] },
    });
    const podIP = addressOf(i);
    const conditions = [{ type: "Ready", status: "True" }];
    const status = { phase: "Running", podIP, podIPs: [{ ip: podIP }], conditions };
    await client.patch(RESOURCES.pods, { namespace: "default", name, subresource: "status" }, { status });
  });
  await many(SERVICES, (i) =>
    create(client, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
      metadata: { name: `s${i}-x`, labels: { "kubernetes.io/service-name": `s${i}` } },
      ...{ addressType: "IPv4", ports: [{ name: "http", port: 80 }], endpoints: endpointsOf(i) },
    }),
  );
}
