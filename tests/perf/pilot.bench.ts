import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { waitFor } from "@xebec/core-async";
import { createGrpcChannel } from "@xebec/platform-grpc";
import { freePorts, tempDir } from "@xebec/testing-launch";
import { AdsClient } from "@xebec/testing-xds-client";
import { Server } from "./server.ts";
import { type Figure, percentile } from "./table.ts";

const SERVICES = 500;
const ENDPOINTS = 10;
const ROUTES = 100;
const CLIENTS = 1_000;
const CLIENTS_PER_CHANNEL = 50;
const REPEAT = 3;

/** Full configuration and single changes for 1,000 synthetic proxies. */
export async function pilotFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  using folder = tempDir();
  const dir = folder.file("config");
  mkdirSync(dir);
  for (let i = 0; i < SERVICES; i++) save(dir, `se-${i}.yaml`, serviceEntry(i, "10.20.0.1"));
  for (let i = 0; i < ROUTES; i++) save(dir, `vs-${i}.yaml`, virtualService(i, 5));
  for (const delta of [true, false]) {
    const [grpc = 0, http = 0, monitoring = 0] = await freePorts(3);
    const at = (port: number): string => `127.0.0.1:${port}`;
    const flags = [
      "--configDir",
      dir,
      "--grpcAddr",
      at(grpc),
      "--secureGrpcAddr",
      "",
      "--httpAddr",
      at(http),
      "--monitoringAddr",
      at(monitoring),
      "--log_output_level",
      "default:warn",
    ];
    await using server = await Server.start("pilot", flags, at(monitoring), folder.file("pilot.log"));
    const form = delta ? "delta" : "state of the world";
    // The first proxy pays for generation; the others share it.
    const before = { cpu: server.cpuMs, rss: server.rssKib };
    const began = performance.now();
    const seen = { text: "", at: [] as number[] };
    const channels = Array.from({ length: CLIENTS / CLIENTS_PER_CHANNEL }, () =>
      createGrpcChannel({ address: at(grpc) }),
    );
    const clients = Array.from({ length: CLIENTS }, (_, i) => {
      const channel = channels[i % channels.length];
      if (!channel) throw new Error("no channel");
      return new AdsClient(channel, {
        id: `sidecar~10.0.${i >> 8}.${i & 255}~app-${i}.default~default.svc.cluster.local`,
        delta,
        onMessage: (bytes) => {
          if (seen.text !== "" && bytes.includes(seen.text)) seen.at.push(performance.now());
        },
      });
    });
    await Promise.all(clients.map((client) => client.complete));
    const seconds = (performance.now() - began) / 1000;
    const bytes = clients.reduce((sum, client) => sum + client.bytes, 0) / CLIENTS;
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
        seen.text = change === "endpoint" ? `10.99.${delta ? 1 : 2}.${n}` : `marked-${delta}-${n}`;
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
    for (const client of clients) client.close();
    for (const channel of channels) channel.close();
  }
  return figures;
}

/** Saves in one step, as editors do. */
function save(dir: string, name: string, text: string): void {
  writeFileSync(`${dir}/.${name}`, text);
  renameSync(`${dir}/.${name}`, `${dir}/${name}`);
}

function serviceEntry(i: number, first: string): string {
  const addresses = Array.from({ length: ENDPOINTS }, (_, e) =>
    e === 0 ? first : `10.${20 + (i >> 8)}.${i & 255}.${e + 1}`,
  );
  const endpoints = addresses.map(
    (address, e) =>
      `  - {address: ${address}, labels: {app: svc-${i}, version: v${1 + (e % 2)}}, locality: r1/z${e % 3}}`,
  );
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: se-${i}, namespace: default}
spec:
  hosts: [svc-${i}.example.com]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints:
${endpoints.join("\n")}
`;
}

function virtualService(i: number, timeout: number, name = "first"): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs-${i}, namespace: default}
spec:
  hosts: [svc-${i}.example.com]
  http:
  - name: ${name}
    match: [{uri: {prefix: /v2}}]
    route: [{destination: {host: svc-${i}.example.com}}]
    timeout: ${timeout}s
  - route: [{destination: {host: svc-${i}.example.com}, weight: 90}, {destination: {host: svc-${i + ROUTES}.example.com}, weight: 10}]
    retries: {attempts: 2}
`;
}
