// What workloads find by the agent's DNS: virtual addresses, and the table of names.
import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { validateObject } from "@xebec/galley-validate";
import { keyOf, type Resource } from "@xebec/model-resources";
import { MeshBuilder, type MeshChange } from "@xebec/pilot-snapshot/testkit";
import { XdsServer } from "@xebec/pilot-xds-server";
import { createGrpcServer } from "@xebec/platform-grpc";
import { type Child, findTool, freePorts, startChild, startDns, tempDir } from "@xebec/testing-launch";
import { type Lab, openLab } from "./lab/lab.ts";
import { recordsOf } from "./lab/mesh.ts";
import { entry, object } from "./objects.ts";

const TCP = { number: 5000, name: "tcp", protocol: "TCP" };
const AUTO = { number: 5100, name: "any" };
const HTTP = { number: 80, name: "http", protocol: "HTTP" };
const at = (address: string) => ({ endpoints: [{ address }] });
const CAPTURE = { DNS_CAPTURE: "true" };

describe("hosts of ServiceEntries without addresses, through a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: {
        client: { kind: "captured", ip: "10.1.0.1", metadata: CAPTURE },
        plain: { kind: "captured", ip: "10.1.0.2" },
      },
      upstreams: ["10.46.0.1", "10.46.0.2"].flatMap((ip) =>
        [80, 5000, 5100].map((port) => ({ name: `${ip}:${port}`, at: `${ip}:${port}` })),
      ),
      objects: [
        ...["a", "b"].map((name, i) =>
          entry(`${name}.example.com`, { ports: [TCP, AUTO, HTTP], ...at(`10.46.0.${i + 1}`) }),
        ),
        object(
          "ServiceEntry",
          "c",
          { hosts: ["c.example.com"], ports: [TCP], resolution: "STATIC", ...at("10.46.0.1") },
          { labels: { "networking.istio.io/enable-autoallocate-ip": "false" } },
        ),
      ],
    });
  });
  after(() => lab?.close());

  /** The virtual address of a host, as the status of its object has it. */
  const addressOf = (name: string): string => lab.addresses("ServiceEntry", name)[0]?.value ?? "";
  const HOSTS = ["a.example.com", "b.example.com"];

  it("TCP on one port: each host has what is for its address, the oldest what is for others", async () => {
    for (const [i, host] of HOSTS.entries())
      for (const port of [5000, 5100]) {
        const { by } = await lab.tcp({ through: "client", address: addressOf(host), port });
        assert.equal(by, `10.46.0.${i + 1}:${port}`, host);
      }
    // Proxies whose pods do not use the agent's DNS cannot be called by them.
    const { by } = await lab.tcp({ through: "plain", address: addressOf("b.example.com"), port: 5000 });
    assert.equal(by, "10.46.0.1:5000");
  });

  it("a port without protocol: HTTP to the address, too", async () => {
    const address = addressOf("b.example.com");
    const { by } = await lab.http({ through: "client", url: `http://${address}:5100/`, address });
    assert.equal(by, "10.46.0.2:5100");
  });

  it("HTTP to an address goes to its host", async () => {
    for (const [i, host] of HOSTS.entries()) {
      const address = addressOf(host);
      const { by } = await lab.http({ through: "client", url: `http://${address}/`, address });
      assert.equal(by, `10.46.0.${i + 1}:80`);
    }
  });

  it("the label says no: there is none", () => assert.deepEqual(lab.addresses("ServiceEntry", "c"), []));
});

describe("resolution DYNAMIC_DNS, through a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: {
        client: { kind: "captured", ip: "10.1.0.1", metadata: CAPTURE },
        plain: { kind: "captured", ip: "10.1.0.2" },
        gateway: { kind: "gateway", ip: "10.1.0.20", labels: { app: "edge" } },
      },
      upstreams: [1, 2].flatMap((i) => [80, 443].map((port) => ({ name: `${i}:${port}`, at: `10.47.0.${i}:${port}` }))),
      objects: [
        entry("*.dyn.example.com", {
          resolution: "DYNAMIC_DNS",
          ports: [HTTP, { number: 443, name: "tls", protocol: "TLS" }],
        }),
        object("Gateway", "edge", {
          selector: { app: "edge" },
          servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
        }),
        object("VirtualService", "edge", {
          hosts: ["*.dyn.example.com"],
          gateways: ["edge"],
          http: [{ route: [{ destination: { host: "*.dyn.example.com", port: { number: 80 } } }] }],
        }),
      ],
    });
    for (const i of [1, 2]) await lab.name(`s${i}.dyn.example.com`, [`10.47.0.${i}`]);
  });
  after(() => lab?.close());

  const own = (): string => lab.addresses("ServiceEntry", "all.dyn.example.com")[0]?.value ?? "";

  it("HTTP: each host below a wildcard at its own address in DNS", async () => {
    for (const i of [1, 2])
      for (const way of [{ through: "client" }, { to: "gateway" }]) {
        const { by } = await lab.http({ ...way, url: `http://s${i}.dyn.example.com/` });
        assert.equal(by, `${i}:80`, JSON.stringify(way));
      }
    const unknown = await lab.http({ through: "client", url: "http://nobody.dyn.example.com/" });
    assert.equal(unknown.status, 503);
  });

  it("HTTP at the virtual address of the wildcard", async () => {
    const { by } = await lab.http({ through: "client", url: "http://s2.dyn.example.com/", address: own() });
    assert.equal(by, "2:80");
  });

  it("TLS: the host that the handshake names", async () => {
    const tls = lab.ca.issue({ dns: ["*.dyn.example.com"] });
    for (const i of [1, 2]) await lab.serve({ name: `${i}:443`, at: `10.47.0.${i}:443`, tls });
    for (const i of [1, 2]) {
      const call = { port: 443, tls: { sni: `s${i}.dyn.example.com` } };
      assert.equal((await lab.tcp({ through: "client", address: own(), ...call })).by, `${i}:443`);
      assert.equal((await lab.tcp({ through: "plain", address: "192.0.2.1", ...call })).by, `${i}:443`);
    }
  });
});

describe("a workload asks its agent's DNS, with a real pilot", () => {
  const PILOT = { host: "127.0.96.1", port: 15_010 };
  const IP = "127.0.96.2";
  const folder = tempDir();
  const metrics = createMetrics();
  const builder = new MeshBuilder();
  const xds = new XdsServer({ metrics });
  const server = createGrpcServer({ name: "pilot", address: PILOT, services: [xds.service()], metrics });
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  let agent: Child | undefined;
  let endDns: () => void = () => undefined;
  const apply = (change: MeshChange): Promise<void> => xds.update(builder.apply(change));
  const find = (name: string): Promise<string> => resolver.resolve4(name).then((found) => found.join(), String);

  before(async () => {
    const pods = [0, 1].map((i) => ({ name: `db-${i}`, ip: `10.1.0.${i + 1}` }));
    const records = recordsOf({ name: "db", ports: { tcp: 5432 }, pods }).map((each) =>
      each.type === "pod" ? { ...each, hostname: each.name, subdomain: "db" } : each,
    );
    const puts = [
      entry("bytes.example.com", { ports: [TCP], ...at("10.46.0.1") }),
      entry("named.example.com", { addresses: ["10.9.0.1"], ports: [TCP], ...at("10.46.0.1") }),
      entry("hidden.example.com", { addresses: ["10.9.0.2"], ports: [TCP], exportTo: ["~"], ...at("10.46.0.1") }),
    ].map(resourceOf);
    await apply({ config: { puts, deletes: [] }, workloads: { puts: records, deletes: [] } });
    await server.start(new AbortController().signal);
    const [admin = 0, status = 0, ready = 0, stats = 0, dns = 0, upstream = 0] = await freePorts(6, IP);
    writeFileSync(folder.file("resolv.conf"), `search default.svc.cluster.local\nnameserver ${IP}:${upstream}\n`);
    const names = new Map([["elsewhere.example.org", ["192.0.2.7"]]]);
    endDns = await startDns(`${IP}:${upstream}`, names);
    const PROXY_CONFIG = { discoveryAddress: `${PILOT.host}:${PILOT.port}`, proxyAdminPort: admin, statusPort: status };
    const child = startChild(
      process.execPath,
      [
        join(import.meta.dirname, "../../apps/pilot-agent/src/main.ts"),
        "proxy",
        "sidecar",
        "--envoyLogFile",
        "envoy.log",
      ],
      {
        cwd: folder.path,
        env: {
          ...{ PATH: process.env.PATH, XEBEC_ENVOY: findTool("envoy"), POD_NAME: "app", POD_NAMESPACE: "default" },
          ...{ INSTANCE_IP: IP, SERVICE_ACCOUNT: "default", ISTIO_META_INTERCEPTION_MODE: "NONE" },
          ...{ ISTIO_META_APP_ADDRESS: "127.0.96.3", CA_ADDR: `${IP}:1` },
          PROXY_CONFIG: JSON.stringify({ ...PROXY_CONFIG, proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" } }),
          ...{ ENVOY_STATUS_PORT: String(ready), ENVOY_PROMETHEUS_PORT: String(stats) },
          ...{ DNS_PROXY_ADDR: `localhost:${dns}`, XEBEC_RESOLV_CONF: folder.file("resolv.conf") },
        },
      },
    );
    agent = child;
    resolver.setServers([`${IP}:${dns}`]);
    await waitFor("the table is there", 20_000, async () => {
      if (child.exited) assert.fail(child.output());
      return (await find("named.example.com")) === "10.9.0.1";
    });
  });
  after(async () => {
    await agent?.stop("SIGTERM");
    endDns();
    await server.close?.();
    folder.remove();
  });

  for (const [name, expected] of [
    ["a host with an address", "named.example.com"],
    ["the same with the search domain behind it", "named.example.com.default.svc.cluster.local"],
  ] as const)
    it(name, async () => assert.equal(await find(expected), "10.9.0.1"));

  it("a headless service: all its pods, and each by its own name", async () => {
    const all = await resolver.resolve4("db.default.svc.cluster.local");
    assert.deepEqual([...all].sort(), ["10.1.0.1", "10.1.0.2"]);
    assert.equal(await find("db-1.db"), "10.1.0.2");
  });

  it("TCP without an address, where no traffic is captured: the proxy, which listens for it", async () =>
    assert.equal(await find("bytes.example.com"), IP));

  it("what the mesh does not have, or the pod does not see: other resolvers", async () => {
    assert.equal(await find("elsewhere.example.org"), "192.0.2.7");
    assert.match(await find("hidden.example.com"), /ENOTFOUND/);
  });

  it("what comes, and what goes", async () => {
    const one = resourceOf(entry("late.example.com", { addresses: ["10.9.0.3"], ports: [TCP], ...at("10.46.0.1") }));
    await apply({ config: { puts: [one], deletes: [] } });
    await waitFor("it is found", 5_000, async () => (await find("late.example.com")) === "10.9.0.3");
    await apply({ config: { puts: [], deletes: [keyOf(one)] } });
    await waitFor("it is gone", 5_000, async () => /ENOTFOUND/.test(await find("late.example.com")));
  });
});

function resourceOf(value: object): Resource {
  const result = validateObject({ value: value as Record<string, unknown> });
  assert.equal(result.outcome, "accepted");
  return (result as { readonly resource: Resource }).resource;
}
