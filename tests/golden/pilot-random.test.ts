import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DescMessage, fromBinary, toJson } from "@bufbuild/protobuf";
import { registry } from "@xebec/api-envoy/registry";
import { validateObject } from "@xebec/galley-validate";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { objectConditions } from "@xebec/pilot-snapshot";
import { Generator, TYPE_URL, type XdsType } from "@xebec/pilot-xds-gen";
import fc from "fast-check";
import { arbitraryObject } from "./arbitrary-spec.ts";
import { type PilotInput, proxiesOf, snapshotOf } from "./pilot-case.ts";

const SEED = 20_261_121;
/** Objects for each kind: how many are made, and how many at least must pass validation, or the test would say nothing. */
const KINDS: Readonly<Record<string, readonly [made: number, accepted: number]>> = {
  VirtualService: [2400, 100],
  DestinationRule: [600, 100],
  Gateway: [600, 50],
  ServiceEntry: [800, 50],
  PeerAuthentication: [150, 50],
  RequestAuthentication: [300, 50],
  Policy: [300, 30],
  MeshPolicy: [300, 30],
  MeshConfig: [200, 50],
};

const service = (name: string, address: string, port: number, portName: string): WorkloadRecord => ({
  ...{ type: "service", namespace: "default", name, hostname: `${name}.default.svc.cluster.local` },
  ...{ addresses: [address], ports: [{ name: portName, port, targetPort: port, protocol: "TCP" }] },
  ...{ selector: { app: name }, creationTimestamp: "2026-01-01T00:00:00Z" },
});
const endpoints = (name: string, ip: string, port: number, portName: string): WorkloadRecord => ({
  ...{ type: "endpoints", namespace: "default", name },
  subsets: [{ addresses: [{ ip, ready: true }], ports: [{ name: portName, port }] }],
});

/** A small mesh, whose objects are younger than the random one. */
const MESH: PilotInput = {
  proxies: {
    sidecar: { id: "sidecar~10.0.0.1~p1.default~x", metadata: { LABELS: { app: "reviews" } } },
    none: {
      id: "sidecar~127.20.1.1~p2.default~x",
      metadata: { LABELS: { app: "mongo" }, INTERCEPTION_MODE: "NONE", HTTP_PROXY_PORT: "15002" },
    },
    router: { id: "router~10.0.0.9~gw.istio-system~x", metadata: { LABELS: { app: "v1" } } },
  },
  workloads: [
    service("reviews", "10.96.0.1", 9080, "http"),
    service("mongo", "10.96.0.2", 9080, "tcp"),
    endpoints("reviews", "10.0.0.1", 9080, "http"),
    endpoints("mongo", "10.0.0.2", 9080, "tcp"),
  ],
  config: [
    ["Gateway", "web", { servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }] }],
    [
      "VirtualService",
      "web",
      { hosts: ["*"], gateways: ["web"], http: [{ route: [{ destination: { host: "reviews" } }] }] },
    ],
    [
      "VirtualService",
      "mongo",
      { hosts: ["mongo"], tcp: [{ route: [{ destination: { host: "mongo", subset: "v1" } }] }] },
    ],
  ].map(([kind, name, spec]) => ({
    ...{ apiVersion: "networking.istio.io/v1", kind, spec },
    metadata: { name, namespace: "default", creationTimestamp: "2026-02-01T00:00:00Z" },
  })),
};
const PROXIES = [...proxiesOf(MESH).values()];
const SCHEMAS = new Map(
  (Object.entries(TYPE_URL) as [XdsType, string][]).map(([type, url]) => [
    type,
    registry.getMessage(url.replace("type.googleapis.com/", "")) as DescMessage,
  ]),
);

/** Versions that were looked at: most resources come from the mesh and not from the random object. */
const seen = new Set<string>();

/** Makes everything that every proxy gets, and looks at all of it. */
function makeAll(accepted: Record<string, unknown>): void {
  const { snapshot } = snapshotOf({ ...MESH, config: [...(MESH.config ?? []), accepted] });
  for (const { key, message, reason } of objectConditions(snapshot, { routers: [{ app: "v1" }], use: undefined }))
    assert.equal(message === "", reason === "Attached" && !key.includes("/Gateway/"), `${key}: ${reason} ${message}`);
  const generator = new Generator(snapshot);
  for (const proxy of PROXIES) {
    const view = generator.proxyClass(proxy);
    const take = (type: XdsType, wanted: readonly string[] = []): string[] => {
      const { resources } = generator.resources(type, proxy, view, { key: wanted.join(), names: wanted });
      for (const { version, bytes } of resources.values()) {
        if (seen.has(version)) continue;
        seen.add(version);
        const schema = SCHEMAS.get(type);
        assert.ok(schema);
        assertSound(toJson(schema, fromBinary(schema, bytes), { registry, useProtoFieldName: true }));
      }
      return [...resources.keys()];
    };
    const clusters = take("cluster").filter((name) => name.startsWith("outbound|"));
    take("listener");
    take("endpoint", clusters);
    take("route", proxy.type === "router" ? ["http.80", "http.9080", "http.1"] : ["80", "9080", "http_proxy"]);
  }
}

interface Sound {
  readonly filter_chains?: readonly { readonly filter_chain_match?: unknown }[];
  readonly virtual_hosts?: readonly { readonly domains: readonly string[] }[];
}

/** What makes Envoy refuse a whole listener or route table. */
function assertSound(json: unknown): void {
  const { filter_chains = [], virtual_hosts = [] } = json as Sound;
  for (const list of [
    filter_chains.map((each) => JSON.stringify(each.filter_chain_match ?? {})),
    virtual_hosts.flatMap((each) => each.domains),
  ])
    assert.equal(new Set(list).size, list.length, `given twice among ${list.join(" ")}`);
}

describe("whatever galley accepts, pilot can make resources of", () => {
  for (const [kind, [made, least]] of Object.entries(KINDS))
    it(kind, () => {
      let accepted = 0;
      fc.assert(
        fc.property(arbitraryObject(kind), (value) => {
          const result = validateObject({ value });
          if (result.outcome !== "accepted") return;
          accepted += 1;
          makeAll(value);
        }),
        { seed: SEED, numRuns: made },
      );
      assert.ok(accepted >= least, `only ${accepted} of ${made} were accepted`);
    });
});
