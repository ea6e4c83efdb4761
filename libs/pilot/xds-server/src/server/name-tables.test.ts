import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { NameTableSchema } from "@xebec/api-mesh/istio/networking/nds/v1/nds";
import { createMetrics } from "@xebec/core-metrics";
import { findKind, type Resource } from "@xebec/model-resources";
import type { WorkloadRecord } from "@xebec/model-workloads";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { type ClientOptions, DeltaClient, SotwClient } from "../test-client.testkit.ts";
import { XdsServer } from "./xds-server.ts";

const object = (kind: string, name: string, spec: object, namespace = "default"): Resource => ({
  group: findKind(kind)?.group ?? "",
  ...{ version: "v1", kind, namespace, name, creationTimestamp: "2026-01-01T00:00:00Z", spec },
});
const entry = (name: string, host: string, spec: object = {}): Resource =>
  object("ServiceEntry", name, {
    ...{ hosts: [host], resolution: "DNS", ports: [{ number: 5000, name: "tcp", protocol: "TCP" }] },
    ...spec,
  });
const DOMAIN = "svc.cluster.local";
const pod = (name: string, ip: string, more: object = {}): WorkloadRecord => ({
  ...{ type: "pod", namespace: "default", name, uid: "", ip, labels: { app: "db" }, serviceAccount: "db" },
  ...{ workload: { kind: "StatefulSet", name: "db" }, ports: [], ready: true },
  ...more,
});
const service = (name: string, more: object): WorkloadRecord => ({
  ...{ type: "service", namespace: "default", name, hostname: `${name}.default.${DOMAIN}`, addresses: [] },
  ports: [{ name: "tcp", port: 5432, targetPort: 5432, protocol: "TCP" }],
  ...more,
});

const MESH: { readonly config: readonly Resource[]; readonly workloads: readonly WorkloadRecord[] } = {
  config: [
    entry("auto", "auto.example.com"),
    entry("own", "own.example.com", { addresses: ["10.9.0.1", "10.9.0.2", "10.10.0.0/16"] }),
    entry("network", "network.example.com", { addresses: ["10.11.0.0/16"], resolution: "STATIC" }),
    entry("none", "none.example.com", { resolution: "NONE" }),
    entry("http", "http.example.com", { ports: [{ number: 80, name: "http", protocol: "HTTP" }] }),
    entry("hidden", "hidden.example.com", { exportTo: ["~"] }),
  ],
  workloads: [
    service("web", { addresses: ["10.96.0.1"] }),
    service("alias", { externalName: "www.example.com" }),
    service("db", { headless: true, selector: { app: "db" } }),
    pod("db-0", "10.1.0.1", { hostname: "db-0", subdomain: "db" }),
    pod("db-1", "10.1.0.2", { labels: { app: "db", "topology.istio.io/network": "far" } }),
    {
      ...{ type: "endpoints", namespace: "default", name: "db" },
      subsets: [
        {
          addresses: ["db-0", "db-1"].map((name, i) => ({
            ip: `10.1.0.${i + 1}`,
            ready: true,
            pod: `default/${name}`,
          })),
          ports: [{ name: "tcp", port: 5432 }],
        },
      ],
    },
  ],
};

const NODE = "sidecar~10.0.0.9~app-1.default~default.svc.cluster.local";
const captured = (metadata: Record<string, string> = {}): ClientOptions => ({
  node: { id: NODE, metadata: { NAMESPACE: "default", ...metadata } },
});
const EXPLICIT = captured({ INTERCEPTION_MODE: "NONE", APP_ADDRESS: "127.0.0.2", DNS_CAPTURE: "true" });

const KUBERNETES = {
  "web.default.svc.cluster.local": "10.96.0.1 Kubernetes web.default",
  "db.default.svc.cluster.local": "10.1.0.1,10.1.0.2 Kubernetes db.default",
  "db-0.db.default.svc.cluster.local": "10.1.0.1 Kubernetes db-0.db.default",
};
const NAMED = { "own.example.com": "10.9.0.1,10.9.0.2 External" };

async function mesh(...more: readonly Resource[]) {
  const server = new XdsServer({ metrics: createMetrics() });
  const builder = new MeshBuilder();
  const apply = (puts: readonly Resource[]): Promise<void> =>
    server.update(builder.apply({ config: { puts, deletes: [] } }));
  await server.update(
    builder.apply({
      config: { puts: [...MESH.config, ...more], deletes: [] },
      workloads: { puts: MESH.workloads, deletes: [] },
    }),
  );
  return { server, apply };
}

/** A table as text: addresses, registry, and the service. */
function table(bytes: Uint8Array | undefined): Record<string, string> {
  const found = fromBinary(NameTableSchema, bytes ?? new Uint8Array()).table;
  return Object.fromEntries(
    Object.entries(found).map(([host, { ips, registry, shortname, namespace }]) => [
      host,
      `${ips.join()} ${registry}${shortname ? ` ${shortname}.${namespace}` : ""}`,
    ]),
  );
}

async function tableOf(options: ClientOptions, ...more: readonly Resource[]): Promise<Record<string, string>> {
  const { server } = await mesh(...more);
  const client = new SotwClient(server, options);
  client.send("nametable");
  const [answer] = client.take();
  assert.equal(answer?.count, 1);
  return table(answer?.response.resources[0]?.value);
}

describe("the table of names", () => {
  it("without the agent's DNS: hosts with addresses, and pods of headless services", async () =>
    assert.deepEqual(await tableOf(captured()), { ...KUBERNETES, ...NAMED }));

  it("with it: virtual addresses, too, of the families that the proxy has", async () => {
    const virtual = async (ips: string) => {
      const { "auto.example.com": auto, ...rest } = await tableOf(captured({ DNS_CAPTURE: "true", INSTANCE_IPS: ips }));
      assert.equal(Object.keys(rest).length, Object.keys({ ...KUBERNETES, ...NAMED }).length + 1);
      return auto?.replaceAll(/\.\d+\.\d+(?= |,)|[\da-f]+(?= )/g, "*");
    };
    assert.equal(await virtual("10.0.0.9"), "240.240* External");
    assert.equal(await virtual("fd00::9"), "2001:2::* External");
    assert.equal(await virtual("10.0.0.9,fd00::9"), "240.240*,2001:2::* External");
  });

  it("without capture: the proxy's own address for TCP that has none, where it listens for it", async () => {
    const found = await tableOf(EXPLICIT);
    assert.deepEqual(found, { ...KUBERNETES, ...NAMED, "auto.example.com": "10.0.0.9 External" });
  });

  it("pods of another network are left out", async () => {
    const found = await tableOf(captured({ NETWORK: "near" }));
    assert.equal(found["db.default.svc.cluster.local"], "10.1.0.1 Kubernetes db.default");
  });

  it("a Sidecar says which hosts there are", async () => {
    const sidecar = object("Sidecar", "default", { egress: [{ hosts: ["./web.default.svc.cluster.local"] }] });
    const found = await tableOf(captured(), sidecar);
    assert.deepEqual(Object.keys(found), ["web.default.svc.cluster.local"]);
  });

  for (const form of ["SotW", "Delta"] as const)
    it(`${form}: comes anew when a host comes, and not when nothing of it changes`, async () => {
      const { server, apply } = await mesh();
      const client = form === "SotW" ? new SotwClient(server) : new DeltaClient(server);
      const take = () => client.take().map(({ response }) => response)[0];
      const acknowledge = (nonce = ""): void =>
        client instanceof SotwClient ? client.send("nametable") : client.send("nametable", { nonce });
      client instanceof SotwClient ? client.send("nametable") : client.send("nametable", { subscribe: ["*"] });
      acknowledge(take()?.nonce);
      await apply([entry("http", "http.example.com", { ports: [{ number: 81, name: "http", protocol: "HTTP" }] })]);
      assert.equal(take(), undefined);
      await apply([entry("more", "more.example.com", { addresses: ["10.9.0.7"] })]);
      const { resources = [] } = take() ?? {};
      const [first] = resources;
      const bytes = first?.$typeName === "google.protobuf.Any" ? first.value : first?.resource?.value;
      assert.equal(table(bytes)["more.example.com"], "10.9.0.7 External");
    });

  it("an agent's own stream is no proxy: it counts nowhere, and nothing is prepared for it", async () => {
    const { server } = await mesh();
    new SotwClient(server).send("nametable");
    assert.deepEqual([...server.connections], []);
    assert.equal([...server.streams].length, 1);
    const proxy = new SotwClient(server);
    proxy.send("cluster");
    proxy.send("nametable");
    assert.equal([...server.connections].length, 1);
  });
});
