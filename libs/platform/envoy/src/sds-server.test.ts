import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiscoveryResponse } from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import { SecretDiscoveryService } from "@xebec/api-envoy/envoy/service/secret/v3/sds";
import { waitFor } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { createGrpcClient } from "@xebec/platform-grpc";
import type { WorkloadIdentity } from "@xebec/platform-identity";
import { tempDir } from "@xebec/testing-launch";
import { createSdsServer } from "./sds-server.ts";
import { createSecrets } from "./secrets.ts";

const TYPE_URL = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

test("a secret that Envoy did not want for a while is answered again, the one that it has is not", async () => {
  using folder = tempDir();
  const identity: WorkloadIdentity = {
    name: "identity",
    async start() {},
    current: () => ({ cert: "c", key: "k" }),
    identity: { key: "k", cert: "c", roots: "r", issuedAt: 0, notAfter: Number.MAX_SAFE_INTEGER },
    onChange: () => () => undefined,
    renew() {},
  };
  const path = folder.file("sds");
  const server = createSdsServer({ path, secrets: createSecrets(identity), metrics: createMetrics() });
  await server.start(new AbortController().signal);
  const client = createGrpcClient({ descriptor: SecretDiscoveryService, address: { path } });
  const stream = client.streamSecrets();
  const answers: DiscoveryResponse[] = [];
  stream.onMessage((message) => answers.push(message));
  const ask = (...resourceNames: string[]): void => {
    const { nonce = "", versionInfo = "" } = answers.at(-1) ?? {};
    stream.write({ resourceNames, typeUrl: TYPE_URL, responseNonce: nonce, versionInfo });
  };
  ask("default");
  await waitFor("the secret", 2_000, () => answers.length === 1);
  ask("default");
  ask();
  ask("default");
  await waitFor("the secret again", 2_000, () => answers.length === 2);
  ask("file-cert:none~none");
  ask("default");
  await waitFor("the secret once more", 2_000, () => answers.length === 3);
  ask("default");
  ask("ROOTCA");
  await waitFor("the roots", 2_000, () => answers.length === 4);
  assert.deepEqual(
    answers.map(({ resources }) => resources.length),
    [1, 1, 1, 1],
  );
  client.close();
  await server.close?.();
});
