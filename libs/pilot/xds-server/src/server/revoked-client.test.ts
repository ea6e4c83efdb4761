import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { Health } from "@xebec/api-mesh/grpc/health/v1/health";
import { waitFor } from "@xebec/core-async";
import { loadConfig } from "@xebec/core-config";
import { compose } from "@xebec/core-lifecycle";
import { createMemoryBus, createRevisionWriter } from "@xebec/platform-bus";
import { createGrpcClient, createTlsSource } from "@xebec/platform-grpc";
import { createTestCa, freePorts } from "@xebec/testing-launch";
import { PilotConfig, pilotComponents } from "../index.ts";

const NEVER = new AbortController().signal;

test("the secure port refuses a client whose certificate citadel has revoked", async () => {
  const ca = createTestCa();
  const own = { ...ca.issue({ ips: ["127.0.0.1"] }), ca: ca.cert };
  const [secure = 0, http = 0, monitoring = 0] = await freePorts(3, "127.0.0.1");
  const { config } = loadConfig(
    PilotConfig,
    [
      ...["--grpcAddr=", `--secureGrpcAddr=127.0.0.1:${secure}`, `--httpAddr=127.0.0.1:${http}`],
      `--monitoringAddr=127.0.0.1:${monitoring}`,
    ],
    {},
  );
  const bus = createMemoryBus();
  const pilot = compose("pilot", [bus, ...pilotComponents({ config, bus, tls: createTlsSource(own) })]);
  await pilot.start(NEVER);
  const client = { ...ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/a"] }), ca: ca.cert };
  const call = async (): Promise<boolean> => {
    const tls = createTlsSource(client);
    const health = createGrpcClient({ descriptor: Health, address: { host: "127.0.0.1", port: secure }, tls });
    try {
      await health.check({}, { timeoutMs: 2_000 });
      return true;
    } catch {
      return false;
    } finally {
      health.close();
    }
  };
  assert.ok(await call());
  const trust = createRevisionWriter({ bus, bucket: "trust", source: "citadel" });
  await trust.start(NEVER);
  const revoked = [new X509Certificate(client.cert).serialNumber];
  await trust.replace(new Map([["mesh", Buffer.from(JSON.stringify({ revoked }))]]));
  await waitFor("the refusal", 5_000, async () => !(await call()));
  await pilot.close?.();
});
