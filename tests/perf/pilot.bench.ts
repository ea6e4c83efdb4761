import { waitFor } from "@xebec/core-async";
import { tempDir } from "@xebec/testing-launch";
import { connectClients, type PilotMesh, save, serviceEntry, startPilot, virtualService } from "./pilot-mesh.ts";
import { type Figure, percentile } from "./table.ts";

const CLIENTS = 1_000;
const RECONNECTING = 2_000;
const OWN = 200;
const REPEAT = 3;

/** Full configuration and single changes for 1,000 synthetic proxies, and what is hard for a server of many. */
export async function pilotFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const delta of [true, false]) {
    using folder = tempDir();
    await using mesh = await startPilot(folder, "config");
    figures.push(...(await ordinaryFigures(mesh, delta)));
    figures.push(await rejection(mesh, delta));
    figures.push(await reconnect(mesh, delta));
  }
  for (const delta of [true, false]) {
    using folder = tempDir();
    await using mesh = await startPilot(folder, "config");
    figures.push(await workloadsOfTheirOwn(mesh, delta));
  }
  return figures;
}

const formOf = (delta: boolean): string => (delta ? "delta" : "state of the world");

async function ordinaryFigures({ server, dir, address }: PilotMesh, delta: boolean): Promise<Figure[]> {
  const figures: Figure[] = [];
  const form = formOf(delta);
  // The first proxy pays for generation; the others share it.
  const before = { cpu: server.cpuMs, rss: server.rssKib };
  const began = performance.now();
  const seen = { text: "", at: [] as number[] };
  const onMessage = (bytes: Buffer): void => {
    if (seen.text !== "" && bytes.includes(seen.text)) seen.at.push(performance.now());
  };
  using clients = connectClients(address, CLIENTS, () => ({ delta, onMessage }));
  await clients.complete;
  const seconds = (performance.now() - began) / 1000;
  const bytes = clients.list.reduce((sum, client) => sum + client.bytes, 0) / CLIENTS;
  figures.push({
    what: `full configuration, ${CLIENTS} proxies, ${form} (${(bytes / 1024).toFixed(0)} KiB each)`,
    value: `${seconds.toFixed(1)} s, ${((server.rssKib - before.rss) / CLIENTS).toFixed(0)} KiB memory each`,
    cpu: `${((server.cpuMs - before.cpu) / CLIENTS).toFixed(2)} ms each`,
    goal: "4 ms, 120 KiB",
  });
  for (const change of ["endpoint", "VirtualService"] as const) {
    const latencies: number[] = [];
    let cpu = 0;
    for (let n = 1; n <= REPEAT; n++) {
      seen.at = [];
      seen.text = change === "endpoint" ? `10.99.1.${n}` : `marked-${n}`;
      const start = { cpu: server.cpuMs, at: performance.now() };
      if (change === "endpoint") save(dir, "se-7.yaml", serviceEntry(7, seen.text));
      else save(dir, "vs-7.yaml", virtualService(7, 5, seen.text));
      await waitFor("every proxy has the change", 60_000, () => seen.at.length >= CLIENTS);
      latencies.push(...seen.at.map((time) => time - start.at));
      cpu += server.cpuMs - start.cpu;
    }
    figures.push({
      what: `one ${change} changes, ${CLIENTS} proxies, ${form}`,
      value: `p50 ${percentile(latencies, 50).toFixed(0)} ms, p99 ${percentile(latencies, 99).toFixed(0)} ms`,
      cpu: `${(cpu / REPEAT / CLIENTS).toFixed(3)} ms each`,
      goal: change === "endpoint" ? "p99 100 ms, 0.08 ms" : "p99 1200 ms, 1 ms",
    });
  }
  return figures;
}

/** A change that every proxy of the mesh rejects. */
async function rejection({ server, dir, address }: PilotMesh, delta: boolean): Promise<Figure> {
  const CLUSTER = "outbound|80||svc-3.example.com";
  const changed = { yet: false };
  let rejected = 0;
  const reject = (bytes: Buffer): string | undefined => {
    if (!changed.yet || !bytes.includes(CLUSTER_TYPE)) return undefined;
    // In the state-of-the-world form the good rest comes once more, with the cluster as it was.
    if (!bytes.includes(MARK)) return undefined;
    rejected++;
    return `Error adding/updating cluster(s) ${CLUSTER}: no`;
  };
  using clients = connectClients(address, CLIENTS, () => ({ delta, reject }));
  await clients.complete;
  changed.yet = true;
  const before = { cpu: server.cpuMs, rss: server.rssKib };
  save(dir, "dr-3.yaml", destinationRule(3));
  await waitFor("every proxy has rejected the change", 60_000, () => rejected >= CLIENTS);
  return {
    what: `a change that ${CLIENTS} proxies reject, ${formOf(delta)}`,
    value: `${((server.rssKib - before.rss) / CLIENTS).toFixed(0)} KiB memory each`,
    cpu: `${((server.cpuMs - before.cpu) / CLIENTS).toFixed(2)} ms each`,
    goal: "",
  };
}

/** Everybody comes back at once. */
async function reconnect({ server, address }: PilotMesh, delta: boolean): Promise<Figure> {
  const before = server.rssKib;
  const cpu = server.cpuMs;
  const began = performance.now();
  using clients = connectClients(address, RECONNECTING, () => ({ delta }));
  await clients.complete;
  return {
    what: `${RECONNECTING} proxies come at once, ${formOf(delta)}`,
    value: `${((performance.now() - began) / 1000).toFixed(1)} s, ${((server.rssKib - before) / 1024).toFixed(0)} MiB more in all`,
    cpu: `${((server.cpuMs - cpu) / RECONNECTING).toFixed(2)} ms each`,
    goal: "5 s",
  };
}

/** Nothing that is made for one of these proxies fits another one as it is. */
async function workloadsOfTheirOwn({ server, address }: PilotMesh, delta: boolean): Promise<Figure> {
  using first = connectClients(address, 1, () => ({ delta }));
  await first.complete;
  const before = { cpu: server.cpuMs, rss: server.rssKib };
  using clients = connectClients(address, OWN, (i) => ({ delta, labels: { app: `own-${i}` } }));
  await clients.complete;
  return {
    what: `full configuration, ${OWN} workloads of one proxy, ${formOf(delta)}`,
    value: `${((server.rssKib - before.rss) / OWN).toFixed(0)} KiB memory each`,
    cpu: `${((server.cpuMs - before.cpu) / OWN).toFixed(2)} ms each`,
    goal: "120 KiB",
  };
}

const CLUSTER_TYPE = "envoy.config.cluster.v3.Cluster";
/** A number of connections that no other cluster has, as a varint. */
const MARK = Buffer.from([0xeb, 0xd9, 0x3c]);

function destinationRule(i: number): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: dr-${i}, namespace: default}
spec:
  host: svc-${i}.example.com
  trafficPolicy: {connectionPool: {tcp: {maxConnections: 994539}}}
`;
}
