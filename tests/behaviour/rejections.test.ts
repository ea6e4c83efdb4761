import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import type { Resource } from "@xebec/model-resources";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";

// What pilot makes of a NACK of a real Envoy. Galley refuses such objects, so they are put past it.

const NAMES = ["one", "two", "three", "four"];
const HOST = (name: string): string => `${name}.default.svc.cluster.local`;
const keyOf = (kind: string, name: string): string => `networking.istio.io/${kind}/default/${name}`;
const object = (kind: string, name: string, spec: object): Resource => ({
  ...{ group: "networking.istio.io", version: "v1", kind, namespace: "default", name },
  ...{ creationTimestamp: "2026-01-01T00:00:00Z", spec },
});

/** A rule that answers one path by itself, with a status that says which form of it the proxy has. */
const rule = (name: string, status: number, more: readonly object[] = []): Resource =>
  object("VirtualService", name, {
    hosts: [HOST(name)],
    http: [
      { name: "form", match: [{ uri: { exact: "/form" } }], directResponse: { status } },
      ...more,
      { name: "rest", route: [{ destination: { host: HOST(name) } }] },
    ],
  });
/** RE2 cannot read it. */
const BROKEN_ROUTE = { name: "broken", match: [{ uri: { regex: "/(" } }], directResponse: { status: 200 } };
/** Envoy has no ring of this size. */
const ring = (name: string, minimumRingSize: number): Resource =>
  object("DestinationRule", name, {
    host: HOST(name),
    trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: "x", minimumRingSize } } },
  });
const TLS_HOST = (name: string): string => `${name}.tls.example.com`;
/** A server outside the mesh: one listener for TLS has a filter chain for each of them. */
const server = (name: string): Resource =>
  object("ServiceEntry", `tls-${name}`, {
    ...{ hosts: [TLS_HOST(name)], location: "MESH_EXTERNAL", resolution: "STATIC" },
    ports: [{ number: 443, name: "tls", protocol: "TLS" }],
    endpoints: [{ address: "10.9.9.9" }],
  });
/** A rule for TLS by the server's name. Envoy knows wildcards only for the whole first label. */
const tls = (name: string, serverName: string): Resource =>
  object("VirtualService", `tls-${name}`, {
    hosts: [TLS_HOST(name)],
    tls: [{ match: [{ port: 443, sniHosts: [serverName] }], route: [{ destination: { host: TLS_HOST(name) } }] }],
  });

describe("what an Envoy rejects", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1" } },
      services: NAMES.map((name) => host(name)),
    });
  });
  after(() => lab?.close());

  const form = async (name: string): Promise<number> =>
    (await lab.http({ through: "client", url: `http://${name}/form` })).status;

  /** Puts objects, and waits until a host has the form that is meant. */
  const corrected = async (puts: readonly Resource[], name: string, status: number): Promise<void> => {
    await lab.put(puts);
    await waitFor(`${name} has its new form`, 10_000, async () => (await form(name)) === status);
  };

  it("is one route of many: its object is blamed alone, its host keeps the last good form, all others get theirs", async () => {
    await lab.put(NAMES.map((name) => rule(name, 201)));
    await waitFor("all have the first form", 10_000, async () => (await form("four")) === 201);
    const nacks = await lab.reject([rule("one", 202), rule("two", 202, [BROKEN_ROUTE]), rule("three", 202)]);
    assert.deepEqual(nacks.at(-1)?.configKeys, [keyOf("VirtualService", "two")], JSON.stringify(nacks));
    assert.deepEqual(await Promise.all(NAMES.map(form)), [202, 201, 202, 201]);
    await corrected([rule("four", 203)], "four", 203);
    assert.equal(await form("two"), 201, "the table changes while a part of it is in quarantine");
    await corrected([rule("two", 203)], "two", 203);
  });

  it("is one filter chain of many: its object is blamed, and none whose chain is as it was", async () => {
    await lab.put(NAMES.flatMap((name) => [server(name), tls(name, TLS_HOST(name))]));
    const chains = async (): Promise<string> =>
      (await lab.envoys.get("client")?.admin("/config_dump?resource=dynamic_listeners&name_regex=0.0.0.0_443")) ?? "";
    await waitFor("all chains", 10_000, async () =>
      NAMES.every(
        (
          (dump) => (name) =>
            dump.includes(TLS_HOST(name))
        )(await chains()),
      ),
    );
    const nacks = await lab.reject([tls("two", "t*.tls.example.com")]);
    assert.match(nacks.at(-1)?.message ?? "", /partial wildcards are not supported/);
    assert.deepEqual(
      nacks.at(-1)?.configKeys.map((key) => key.split("/").at(-1)),
      ["tls-two", "tls-two"],
    );
    assert.ok((await chains()).includes(TLS_HOST("two")), "the listener stays as it was");
    await lab.put([tls("two", TLS_HOST("two"))]);
  });

  it("is one cluster of many: its object is blamed alone, and the other gets its new form", async () => {
    const nacks = await lab.reject([ring("one", 8_388_609), ring("two", 1_025)]);
    assert.deepEqual(nacks.at(-1)?.configKeys, [keyOf("DestinationRule", "one")], JSON.stringify(nacks));
    const dump = (await lab.envoys.get("client")?.admin("/config_dump?resource=dynamic_active_clusters")) ?? "";
    assert.match(dump, /"minimum_ring_size": "1025"/);
    assert.doesNotMatch(dump, /8388609/);
  });
});
