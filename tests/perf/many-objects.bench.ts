import { mkdirSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "@xebec/core-async";
import { freePorts, tempDir } from "@xebec/testing-launch";
import { HealthProbes } from "./health-probe.ts";
import { connectClients, save, serviceEntry } from "./pilot-mesh.ts";
import { Server } from "./server.ts";
import type { Figure } from "./table.ts";

const OBJECTS = 10_000;
/** What returning proxies may still have is remembered for a minute; then the garbage is collected. */
const GONE_MS = 90_000;

/** One file with ten thousand VirtualServices comes and goes: how long a health check waits, and what memory stays. */
export async function manyObjectsFigures(): Promise<Figure[]> {
  using folder = tempDir();
  const dir = folder.file("config");
  mkdirSync(dir);
  const [grpc = 0, http = 0, monitoring = 0] = await freePorts(3);
  const at = (port: number): string => `127.0.0.1:${port}`;
  const flags = [
    ...["--configDir", dir, "--grpcAddr", at(grpc), "--secureGrpcAddr", "", "--httpAddr", at(http)],
    ...["--monitoringAddr", at(monitoring), "--log_output_level", "default:error"],
  ];
  save(dir, "one.yaml", serviceEntry(0, "10.20.0.1"));
  await using server = await Server.start("pilot", flags, at(monitoring), folder.file("pilot.log"));
  const seen = { bytes: 0 };
  using clients = connectClients(at(grpc), 1, () => ({
    delta: false,
    onMessage: (bytes) => (seen.bytes = Math.max(seen.bytes, bytes.length)),
  }));
  await clients.complete;
  const before = server.rssKib;
  const target = { host: "127.0.0.1", port: monitoring, path: "/healthz" };
  const probes = new HealthProbes(new Map([["pilot", { pid: server.pid, target }]]));
  const began = performance.now();
  const cpu = server.cpuMs;
  save(dir, "many.yaml", manyObjects());
  await waitFor("the proxy has all hosts", 120_000, () => seen.bytes > OBJECTS * 300);
  const seconds = (performance.now() - began) / 1000;
  const used = server.cpuMs - cpu;
  const withAll = server.rssKib;
  rmSync(`${dir}/many.yaml`);
  await sleep(GONE_MS);
  const longest = (await probes.take()).get("pilot")?.totalMs;
  await probes.end();
  return [
    {
      what: `one file with ${OBJECTS.toLocaleString("en")} VirtualServices, in one process with galley`,
      value: `${seconds.toFixed(1)} s; the longest health check ${longest?.toFixed(0)} ms; ${((withAll - before) / 1024).toFixed(0)} MiB more, ${((server.rssKib - before) / 1024).toFixed(0)} when they are gone`,
      cpu: `${(used / 1000).toFixed(1)} s in all`,
      goal: "100 ms",
    },
  ];
}

/** A file of ten thousand VirtualServices, each for a host of its own. */
export function manyObjects(): string {
  return Array.from({ length: OBJECTS }, (_, i) => rule(i)).join("---\n");
}

function rule(i: number): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs-${i}, namespace: default}
spec:
  hosts: [h-${i}.example.com]
  http: [{match: [{uri: {prefix: /v2}}], route: [{destination: {host: a.example.com}}]}, {route: [{destination: {host: b.example.com}}]}]
`;
}
