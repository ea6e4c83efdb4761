import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { createIssuer, createRoot, generateKey, privateKeyPem, publicKeyDer } from "@xebec/model-pki";
import type { StoredIdentity, WorkloadIdentity } from "@xebec/platform-identity";
import { createTestCa, type Envoy, freePorts, startEnvoy, tempDir } from "@xebec/testing-launch";
import { createSdsServer } from "./sds-server.ts";
import { createSecrets } from "./secrets.ts";

const NEVER = new AbortController().signal;
const HOUR = 3_600_000;

/** An identity that the test renews. */
function testIdentity(uri: string, ca: ReturnType<typeof createRoot>) {
  const listeners = new Set<() => void>();
  let current: StoredIdentity | undefined;
  const identity: WorkloadIdentity = {
    name: "identity",
    async start() {},
    current: () => ({ cert: current?.cert ?? "", key: current?.key ?? "" }),
    get identity() {
      return current;
    },
    onChange(changed) {
      listeners.add(changed);
      return () => {
        listeners.delete(changed);
      };
    },
    renew() {
      const now = Date.now();
      const key = generateKey("P-256");
      const times = { notBefore: now - 1_000, notAfter: now + 8_000 };
      const cert = createIssuer(ca.certificate, ca.key).issue({
        ...{ publicKey: publicKeyDer(key), names: { uris: [uri] } },
        ...times,
      });
      current = { cert, key: privateKeyPem(key), roots: ca.certificate, issuedAt: now, notAfter: times.notAfter };
      for (const changed of listeners) changed();
    },
  };
  return identity;
}

const secret = (name: string, apiType = "GRPC") => ({
  name,
  sds_config: {
    resource_api_version: "V3",
    initial_fetch_timeout: "0s",
    api_config_source: {
      api_type: apiType,
      transport_api_version: "V3",
      grpc_services: [{ envoy_grpc: { cluster_name: "sds-grpc" } }],
    },
  },
});

const address = (host: string, port_value: number) => ({ socket_address: { address: host, port_value } });

function tls(kind: "Upstream" | "Downstream", peer: string, apiType?: string) {
  return {
    name: "tls",
    typed_config: {
      "@type": `type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.${kind}TlsContext`,
      ...(kind === "Downstream" ? { require_client_certificate: true } : {}),
      common_tls_context: {
        tls_certificate_sds_secret_configs: [secret("default", apiType)],
        combined_validation_context: {
          default_validation_context: {
            match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: peer } }],
          },
          validation_context_sds_secret_config: secret("ROOTCA", apiType),
        },
      },
    },
  };
}

/** An Envoy with one listener that forwards to one address, TLS on one of the two sides. */
function bootstrap(options: { sds: string; port: number; to: number; down?: object; up?: object }) {
  const cluster = (name: string, endpoint: object, more: object) => ({
    ...{ name, type: "STATIC", connect_timeout: "1s", ...more },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: endpoint } }] }] },
  });
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix: "in",
    route_config: {
      virtual_hosts: [{ name: "a", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "next" } }] }],
    },
    http_filters: [
      {
        name: "envoy.filters.http.router",
        typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
      },
    ],
  };
  return {
    node: { id: "n", cluster: "c" },
    static_resources: {
      listeners: [
        {
          enable_reuse_port: false,
          address: address("127.0.0.1", options.port),
          filter_chains: [
            {
              filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
              ...(options.down ? { transport_socket: options.down } : {}),
            },
          ],
        },
      ],
      clusters: [
        cluster("next", address("127.0.0.1", options.to), {
          ...(options.up ? { transport_socket: options.up } : {}),
          // A new connection, and so a handshake, for every request.
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              common_http_protocol_options: { max_requests_per_connection: 1 },
              explicit_http_config: { http_protocol_options: {} },
            },
          },
        }),
        cluster(
          "sds-grpc",
          { pipe: { path: options.sds } },
          {
            typed_extension_protocol_options: {
              "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config: { http2_protocol_options: {} },
              },
            },
          },
        ),
      ],
    },
  };
}

function get(port: number): Promise<number> {
  return new Promise((resolve) => {
    const call = request({ host: "127.0.0.1", port, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.on("error", () => resolve(0));
    call.end();
  });
}

test("mutual TLS between two Envoys goes on while both certificates rotate", async () => {
  using folder = tempDir();
  const ca = createRoot({
    ...{ keyType: "P-256", organization: "x" },
    notBefore: Date.now(),
    notAfter: Date.now() + HOUR,
  });
  const [alice, bob] = ["spiffe://td/ns/a/sa/alice", "spiffe://td/ns/a/sa/bob"] as const;
  const identities = { alice: testIdentity(alice, ca), bob: testIdentity(bob, ca) };
  const servers = Object.entries(identities).map(([name, identity]) =>
    createSdsServer({ path: folder.file(name), secrets: createSecrets(identity), metrics: createMetrics() }),
  );
  for (const server of servers) await server.start(NEVER);
  const app = createServer((_request, response) => response.end("app"));
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  const [front = 0, back = 0] = await freePorts(2);
  const envoys: Envoy[] = [];
  const close = async (): Promise<void> => {
    for (const envoy of envoys) await envoy.close();
    for (const server of servers) await server.close?.();
    app.close();
  };
  try {
    const to = (app.address() as AddressInfo).port;
    // One side asks state-of-the-world, the other incrementally.
    const down = tls("Downstream", alice, "DELTA_GRPC");
    envoys.push(await startEnvoy({ bootstrap: bootstrap({ sds: folder.file("bob"), port: back, to, down }) }));
    const up = tls("Upstream", bob);
    envoys.push(await startEnvoy({ bootstrap: bootstrap({ sds: folder.file("alice"), port: front, to: back, up }) }));
    // Nothing opens without its certificate.
    assert.notEqual(await get(front), 200);
    for (const each of Object.values(identities)) each.renew();
    for (const envoy of envoys) await envoy.ready();
    assert.equal(await get(front), 200);
    const counts: Record<number, number> = {};
    const stats = (): Promise<string> => (envoys[0] as Envoy).admin("/stats?filter=update_success|ssl.handshake$");
    const updates = async (): Promise<number> => Number(/sds\.default\.update_success: (\d+)/.exec(await stats())?.[1]);
    await waitFor("rotations under traffic", 30_000, async () => {
      identities.alice.renew();
      for (let i = 0; i < 10; i++) {
        const status = await get(front);
        counts[status] = (counts[status] ?? 0) + 1;
      }
      identities.bob.renew();
      return (await updates()) > 10;
    });
    assert.deepEqual(Object.keys(counts), ["200"]);
    assert.ok(Number(/ssl\.handshake: (\d+)/.exec(await stats())?.[1]) >= (counts[200] ?? 0), await stats());
  } finally {
    await close();
  }
});

test("secrets from files are served once they are there and follow their files", async () => {
  using folder = tempDir();
  const root = createRoot({
    ...{ keyType: "P-256", organization: "x" },
    notBefore: Date.now(),
    notAfter: Date.now() + HOUR,
  });
  const secrets = createSecrets(testIdentity("spiffe://td/ns/a/sa/a", root));
  let changes = 0;
  secrets.onChange(() => {
    changes++;
  });
  const ca = createTestCa();
  const [cert, key] = [folder.file("tls.crt"), folder.file("tls.key")];
  const name = `file-cert:${cert}~${key}`;
  assert.equal(secrets.want("kubernetes://other"), false);
  assert.equal(secrets.want(name), true);
  assert.equal(secrets.get(name), undefined);
  const put = (): void => {
    const pair = ca.issue({ dns: ["a.example.com"] });
    writeFileSync(cert, pair.cert);
    writeFileSync(key, pair.key);
  };
  put();
  const first = await waitFor("the secret", 3_000, () => secrets.get(name)?.version);
  put();
  await waitFor("the next one", 3_000, () => secrets.get(name)?.version !== first);
  assert.ok(changes >= 2);
  await secrets.close();
});
