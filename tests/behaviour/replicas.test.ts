// Two real pilots on one bus, and real Envoys that move from one to the other.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import {
  type ConfigPosition,
  decodeCondition,
  decodeObserved,
  encodeResource,
  hasReached,
  keyOf,
  observedKey,
  type Resource,
  statusKey,
} from "@xebec/model-resources";
import { type Bus, createNatsBus, createRevisionWriter, type RevisionWriter } from "@xebec/platform-bus";
import {
  type Child,
  createTestCa,
  type Envoy,
  freePorts,
  type NatsServer,
  startChild,
  startEnvoy,
  startNatsServer,
  tempDir,
} from "@xebec/testing-launch";

const never = new AbortController().signal;
const object = (kind: string, name: string, spec: object): Resource => ({
  ...{ group: "networking.istio.io", version: "v1", kind, namespace: "default", name, spec },
  creationTimestamp: "2026-01-01T00:00:00Z",
});
const GATEWAY = object("Gateway", "gw", {
  selector: { istio: "ingressgateway" },
  servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
});
const OBJECTS = [
  object("WorkloadGroup", "vms", { metadata: { labels: { app: "vms" } }, template: { ports: { http: 8080 } } }),
  object("ServiceEntry", "vms", {
    ...{ hosts: ["vms.example.com"], location: "MESH_INTERNAL", resolution: "STATIC" },
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    workloadSelector: { labels: { app: "vms" } },
  }),
  GATEWAY,
];

interface Pilot {
  readonly name: string;
  readonly child: Child;
  readonly port: number;
  readonly http: number;
}

describe("two pilots on one bus", () => {
  const folder = tempDir();
  const ca = createTestCa();
  const pilots: Pilot[] = [];
  const envoys: Envoy[] = [];
  let nats: NatsServer;
  let bus: Bus;
  let config: RevisionWriter;
  let published: ConfigPosition | undefined;

  const startPilot = async (name: string): Promise<void> => {
    const [port = 0, http = 0, monitoring = 0] = await freePorts(3);
    const own = ca.issue({
      dns: ["istio-pilot.istio-system.svc"],
      uris: ["spiffe://cluster.local/ns/istio-system/sa/pilot"],
    });
    const tls = folder.file(`${name}-tls.json`);
    writeFileSync(tls, JSON.stringify({ ...own, ca: ca.cert }));
    const flags = [
      ...["--busURL", `nats://${nats.address}`, "--grpcAddr", "", "--secureGrpcAddr", `127.0.0.1:${port}`],
      ...["--httpAddr", `127.0.0.1:${http}`, "--monitoringAddr", `127.0.0.1:${monitoring}`, "--replica", name],
    ];
    const main = join(import.meta.dirname, "lab/pilot-process.ts");
    const child = startChild(process.execPath, [main, ...flags], { env: { ...process.env, LAB_TLS: tls } });
    pilots.push({ name, child, port, http });
  };
  /** An Envoy that goes to any of these pilots. */
  const connect = async (id: string, account: string, metadata: object, to: readonly Pilot[]): Promise<Envoy> => {
    const own = ca.issue({ uris: [`spiffe://cluster.local/ns/default/sa/${account}`] });
    const text = (inline_string: string) => ({ inline_string });
    const ads = { ads: {}, resource_api_version: "V3" };
    const envoy = await startEnvoy({
      bootstrap: {
        node: { id, cluster: "test", metadata: { NAMESPACE: "default", SERVICE_ACCOUNT: account, ...metadata } },
        dynamic_resources: {
          ads_config: {
            ...{ api_type: "DELTA_GRPC", transport_api_version: "V3" },
            grpc_services: [
              {
                envoy_grpc: {
                  cluster_name: "xds-grpc",
                  retry_policy: { retry_back_off: { base_interval: "0.1s", max_interval: "0.5s" } },
                },
              },
            ],
          },
          ...{ cds_config: ads, lds_config: ads },
        },
        static_resources: {
          clusters: [
            {
              ...{ name: "xds-grpc", type: "STATIC", connect_timeout: "1s" },
              typed_extension_protocol_options: {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                  "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                  explicit_http_config: { http2_protocol_options: {} },
                },
              },
              transport_socket: {
                name: "tls",
                typed_config: {
                  "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                  sni: "istio-pilot.istio-system.svc",
                  common_tls_context: {
                    alpn_protocols: ["h2"],
                    tls_certificates: [{ certificate_chain: text(own.cert), private_key: text(own.key) }],
                    validation_context: { trusted_ca: text(ca.cert) },
                  },
                },
              },
              load_assignment: {
                cluster_name: "xds-grpc",
                endpoints: [
                  {
                    lb_endpoints: to.map(({ port }) => ({
                      endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } },
                    })),
                  },
                ],
              },
            },
          ],
        },
      },
    });
    envoys.push(envoy);
    return envoy;
  };
  /** The endpoints of the workload that registers itself, as a pilot knows them. */
  const known = async ({ http }: Pilot): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${http}/debug/endpointz?brief=true`);
    return (await response.text()).includes("10.9.9.1:8080");
  };
  const proxies = async (): Promise<ReadonlyMap<string, string>> => {
    const answers = await bus.requestAll("proxies", new Uint8Array(), { timeoutMs: 1_000 });
    const all = answers.flatMap((each) => JSON.parse(Buffer.from(each).toString())) as {
      readonly proxy: string;
      readonly replica: string;
    }[];
    return new Map(all.map(({ proxy, replica }) => [proxy, replica]));
  };
  const gatewayCondition = async (): Promise<string> => {
    const bytes = await bus.bucket("status").get(statusKey({ object: keyOf(GATEWAY), controller: "pilot" }));
    return bytes ? decodeCondition(bytes).message : "";
  };
  const publish = async (objects: readonly Resource[]): Promise<void> => {
    await config.replace(new Map(objects.map((each) => [keyOf(each), encodeResource(each)])));
  };
  const byName = (name: string): Pilot => pilots.find((each) => each.name === name) as Pilot;

  before(async () => {
    nats = await startNatsServer();
    bus = createNatsBus({ name: "test", servers: [nats.address] });
    await bus.start(never);
    config = createRevisionWriter({
      ...{ bus, bucket: "config", source: "galley" },
      committed: (position) => {
        published = position;
      },
    });
    await config.start(never);
    await publish(OBJECTS);
    await startPilot("a");
    await startPilot("b");
    for (const { http, child } of pilots)
      await waitFor("pilot is ready", 20_000, async () => {
        assert.ok(!child.exited, child.output());
        return fetch(`http://127.0.0.1:${http}/ready`).then(
          ({ ok }) => ok,
          () => false,
        );
      });
  });
  after(async () => {
    for (const each of envoys) await each.close();
    for (const { child } of pilots) await child.stop("SIGKILL");
    await config?.close?.();
    await bus?.close?.();
    await nats?.close();
    folder.remove();
  });

  it("know a workload that registers itself at one of them, and answer for the proxies of both", async () => {
    await connect(
      "sidecar~10.9.9.1~vm.default~default.svc.cluster.local",
      "vm",
      { AUTO_REGISTER_GROUP: "vms" },
      pilots,
    );
    const labels = { LABELS: { istio: "ingressgateway" } };
    await connect("router~10.9.9.2~gw.default~default.svc.cluster.local", "gw", labels, [byName("b")]);
    for (const each of pilots) await waitFor(`${each.name} knows it`, 10_000, () => known(each));
    await waitFor("both proxies are there", 10_000, async () => (await proxies()).size === 2);
    assert.equal((await proxies()).get("gw.default"), "b");
  });

  it("say one thing of an object, of what the proxies of both have, and are as far as the slower one", async () => {
    // The first by name writes, and has no gateway of its own.
    await waitFor("the gateway is counted", 10_000, async () => /1 proxy/.test(await gatewayCondition()));
    await publish([...OBJECTS, object("ServiceEntry", "more", { hosts: ["more.example.com"], resolution: "NONE" })]);
    const reached = async (): Promise<boolean> => {
      const bytes = await bus.bucket("status").get(observedKey("pilot"));
      return bytes !== undefined && published !== undefined && hasReached(decodeObserved(bytes), published);
    };
    await waitFor("pilot is as far as galley", 10_000, reached);
    assert.match(await gatewayCondition(), /1 proxy/);
  });

  it("keep the workload when the one that it is connected to is killed, and forget it when it is gone itself", async () => {
    const dead = byName((await proxies()).get("vm.default") ?? "");
    const alive = pilots.find((each) => each !== dead) as Pilot;
    await dead.child.stop("SIGKILL");
    const until = performance.now() + 5_000;
    await waitFor("it has moved", 10_000, async () => {
      assert.ok(await known(alive));
      return (await proxies()).get("vm.default") === alive.name;
    });
    // Longer than a pilot that is not heard is believed, and what it had is kept.
    await waitFor("the dead one is forgotten", 10_000, async () => {
      assert.ok(await known(alive));
      return performance.now() > until;
    });
    await envoys[0]?.close();
    await waitFor("it is gone", 10_000, async () => !(await known(alive)));
  });
});
