// The mesh that pilot is measured with, and clients of it.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createGrpcChannel, type GrpcChannel } from "@xebec/platform-grpc";
import { AdsClient, type AdsClientOptions } from "@xebec/platform-xds-client";
import { freePorts, type TempDir } from "@xebec/testing-launch";
import { Server } from "./server.ts";

const SERVICES = 500;
const ENDPOINTS = 10;
const ROUTES = 100;
const CLIENTS_PER_CHANNEL = 50;

/** A pilot of 500 services and 100 VirtualServices. */
export interface PilotMesh extends AsyncDisposable {
  readonly server: Server;
  /** The directory of its configuration. */
  readonly dir: string;
  readonly address: string;
}

/** @param more files beside the services and VirtualServices */
export async function startPilot(
  folder: TempDir,
  name: string,
  services = SERVICES,
  more: Readonly<Record<string, string>> = {},
): Promise<PilotMesh> {
  const dir = folder.file(name);
  mkdirSync(dir);
  for (const [file, text] of Object.entries(more)) save(dir, file, text);
  for (let i = 0; i < services; i++) save(dir, `se-${i}.yaml`, serviceEntry(i, "10.20.0.1"));
  for (let i = 0; i < Math.min(ROUTES, services / 2); i++) save(dir, `vs-${i}.yaml`, virtualService(i, 5));
  const [grpc = 0, http = 0, monitoring = 0] = await freePorts(3);
  const at = (port: number): string => `127.0.0.1:${port}`;
  const flags = [
    ...["--configDir", dir, "--grpcAddr", at(grpc), "--secureGrpcAddr", "", "--httpAddr", at(http)],
    ...["--monitoringAddr", at(monitoring), "--log_output_level", "default:error"],
  ];
  const server = await Server.start("pilot", flags, at(monitoring), folder.file("pilot.log"));
  return { server, dir, address: at(grpc), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Clients that come at once, and how to send them away. */
export interface Clients extends Disposable {
  readonly list: readonly AdsClient[];
  /** Resolves when each got everything that it asked for. */
  readonly complete: Promise<unknown>;
}

/** @param optionsOf what is special of the nth client */
export function connectClients(
  address: string,
  count: number,
  optionsOf: (i: number) => Pick<AdsClientOptions, "delta"> & Partial<AdsClientOptions>,
): Clients {
  const channels: GrpcChannel[] = Array.from({ length: Math.ceil(count / CLIENTS_PER_CHANNEL) }, () =>
    createGrpcChannel({ address }),
  );
  const list = Array.from({ length: count }, (_, i) => {
    const channel = channels[i % channels.length];
    if (!channel) throw new Error("no channel");
    const id = `sidecar~10.0.${i >> 8}.${i & 255}~app-${i}.default~default.svc.cluster.local`;
    return new AdsClient(channel, { id, ...optionsOf(i) });
  });
  return {
    list,
    complete: Promise.all(list.map((client) => client.complete)),
    [Symbol.dispose]() {
      for (const client of list) client.close();
      for (const channel of channels) channel.close();
    },
  };
}

/** Saves in one step, as editors do. */
export function save(dir: string, name: string, text: string): void {
  writeFileSync(`${dir}/.${name}`, text);
  renameSync(`${dir}/.${name}`, `${dir}/${name}`);
}

export function serviceEntry(i: number, first: string): string {
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

export function virtualService(i: number, timeout: number, name = "first"): string {
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
