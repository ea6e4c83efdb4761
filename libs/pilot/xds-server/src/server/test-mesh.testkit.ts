import assert from "node:assert/strict";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import type { Resource } from "@xebec/model-resources";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { type ClientOptions, SotwClient } from "../test-client.testkit.ts";
import type { NackReport } from "./nacks.ts";
import { XdsServer } from "./xds-server.ts";

export const CLUSTER = (n: number): string => `outbound|80||svc-${n}.example.com`;

export function entry(n: number, addresses: readonly string[] = ["10.0.0.1"]): Resource {
  return object("ServiceEntry", `se-${n}`, {
    hosts: [`svc-${n}.example.com`],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    endpoints: addresses.map((address) => ({ address })),
  });
}

export function route(n: number, timeout: string): Resource {
  return object("VirtualService", `vs-${n}`, {
    hosts: [`svc-${n}.example.com`],
    http: [{ route: [{ destination: { host: `svc-${n}.example.com` } }], timeout }],
  });
}

export function object(kind: string, name: string, spec: unknown): Resource {
  return {
    group: "networking.istio.io",
    version: "v1",
    kind,
    namespace: "default",
    name,
    creationTimestamp: "2026-01-01T00:00:00Z",
    spec,
  };
}

/** @param vhdsFrom from how many services on proxies get virtual hosts one by one */
export function mesh({ vhdsFrom = 0, pushThrottle = 0 } = {}) {
  const nacks: NackReport[] = [];
  const server = new XdsServer({
    metrics: createMetrics(),
    vhdsFrom,
    pushThrottle,
    onNack: (report) => nacks.push(report),
  });
  const builder = new MeshBuilder();
  const apply = (puts: readonly Resource[], deletes: readonly string[] = []): Promise<void> =>
    server.update(builder.apply({ config: { puts, deletes } }));
  return { server, apply, nacks };
}

/** A client that has everything and has acknowledged it. */
export async function synced(
  server: XdsServer,
  names: readonly string[],
  options: ClientOptions = { authenticated: true },
): Promise<SotwClient> {
  const client = new SotwClient(server, options);
  for (const [type, wanted] of [
    ["cluster", []],
    ["endpoint", names],
    ["listener", []],
    ["route", ["80"]],
  ] as const) {
    client.send(type, wanted);
    assert.equal(client.take()[0]?.type, type);
    client.send(type, wanted);
  }
  assert.deepEqual(client.take(), []);
  return client;
}

/** Waits until the parts of a large configuration are made. */
export async function prepared(server: XdsServer): Promise<void> {
  const client = new SotwClient(server);
  client.send("cluster");
  await waitFor("the first client has its clusters", 10_000, () => client.stream.written.length > 0);
  client.stream.end();
}

/** The versions of a response in the Delta form, by name. */
export const versionsOf = (answer: { response: { resources: { name: string; version: string }[] } } | undefined) =>
  Object.fromEntries((answer?.response.resources ?? []).map((each) => [each.name, each.version]));
