import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { compose } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { createGrpcChannel, createGrpcServer, createTlsSource, rawDuplex } from "@xebec/platform-grpc";
import { httpCall } from "@xebec/platform-http/call";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { createTestCa, freePorts, tempDir } from "@xebec/testing-launch";
import { readSettings } from "../agent-settings.ts";
import { proxylessAgent } from "./index.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const PILOT = "spiffe://cluster.local/ns/istio-system/sa/istio-pilot-service-account";
const OWN = "spiffe://cluster.local/ns/shop/sa/web";
const never = new AbortController().signal;

/** Asks once over the agent's socket. @returns what pilot takes the client for */
async function ask(path: string): Promise<string> {
  const channel = createGrpcChannel({ address: { path } });
  try {
    return await new Promise<string>((resolve, reject) => {
      const stream = channel.duplex(ADS, { timeoutMs: 30_000, waitForReady: true });
      stream.onMessage((data) => resolve(Buffer.from(data).toString()));
      stream.onEnd((error) => reject(error ?? new Error("pilot has ended the stream")));
      stream.write(Buffer.from("who am I?"));
    });
  } finally {
    channel.close();
  }
}

test("an agent without Envoy: files for gRPC, its way to pilot, readiness", async () => {
  using folder = tempDir();
  const ca = createTestCa();
  const pair = (uris: string[]) => ({ ...ca.issue({ uris }), ca: ca.cert });
  const source = createTlsSource(pair([OWN]));
  let current: { cert: string; key: string; roots: string; notAfter: number } | undefined;
  const identity = {
    ...{ name: "identity", start: async () => undefined, renew: () => undefined },
    get identity() {
      return current;
    },
    ...{ current: () => source.current(), onChange: source.onChange.bind(source) },
    missing: () => (current ? [] : ["no certificate yet"]),
  } as unknown as WorkloadIdentity;
  const sign = (): void => {
    const next = pair([OWN]);
    current = { cert: next.cert, key: next.key, roots: ca.cert, notAfter: Date.now() + 60_000 };
    source.update(next);
  };
  const [port = 0, status = 0, ready = 0] = await freePorts(3, "127.0.0.1");
  const certificates = folder.file("certs");
  const env = {
    ...{ INSTANCE_IP: "127.0.0.1", POD_NAME: "web-1", POD_NAMESPACE: "shop", SERVICE_ACCOUNT: "web" },
    ...{ ISTIO_META_INTERCEPTION_MODE: "NONE", ENVOY_STATUS_PORT: String(ready), DISABLE_ENVOY: "true" },
    ...{ OUTPUT_CERTS: certificates, GRPC_XDS_BOOTSTRAP: folder.file("bootstrap.json") },
    PROXY_CONFIG: JSON.stringify({ discoveryAddress: `127.0.0.1:${port}`, statusPort: status }),
  };
  const configPath = folder.path;
  const flags = { domain: "", serviceCluster: "", configPath, discoveryAddress: undefined, "trust-domain": "" };
  const settings = readSettings("sidecar", flags, env);
  const parts = proxylessAgent({ settings, identity, configPath, metrics: createMetrics(), quit: () => undefined });
  const agent = compose("agent", parts);
  const readiness = async (): Promise<number[]> =>
    Promise.all(
      [status, ready].map(
        async (each) => (await httpCall({ host: "127.0.0.1", port: each }, "/healthz/ready", {})).status,
      ),
    );
  await agent.start(never);
  const pilot = createGrpcServer({
    ...{ name: "pilot", address: { host: "127.0.0.1", port }, metrics: createMetrics() },
    tls: createTlsSource(pair([PILOT]), { requireClientCertificate: true }),
    services: [
      rawDuplex(ADS, (stream, call) =>
        stream.onMessage((message) => stream.write(Buffer.from(`${message} ${call.identity}`))),
      ),
    ],
  });
  try {
    assert.deepEqual(await readiness(), [503, 503]);
    sign();
    await waitFor("readiness", 10_000, async () => (await readiness()).every((each) => each === 200));
    // Pilot comes later than the client: the client is kept.
    const asked = ask(folder.file("XDS"));
    await pilot.start(never);
    assert.equal(await asked, `who am I? ${OWN}`);
    const bootstrap = JSON.parse(readFileSync(folder.file("bootstrap.json"), "utf8"));
    assert.equal(bootstrap.xds_servers[0].server_uri, `unix://${folder.file("XDS")}`);
    assert.deepEqual(
      [bootstrap.node.id, bootstrap.node.metadata.GENERATOR],
      ["sidecar~127.0.0.1~web-1.shop~shop.svc.cluster.local", "grpc"],
    );
    const { certificate_file, private_key_file, ca_certificate_file } = bootstrap.certificate_providers.default.config;
    const read = () =>
      [certificate_file, private_key_file, ca_certificate_file].map((each) => readFileSync(each, "utf8"));
    assert.deepEqual(read(), [current?.cert, current?.key, ca.cert]);
    assert.equal(statSync(private_key_file).mode & 0o777, 0o644);
    sign();
    await waitFor(
      "the next certificate",
      10_000,
      async () => read()[0] === current?.cert && read()[1] === current?.key,
    );
  } finally {
    await pilot.close?.();
    await agent.close?.();
  }
});
