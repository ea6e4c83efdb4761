import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { processOf } from "@xebec/platform-process";
import { identityOptions, readSettings } from "./agent-settings.ts";
import { drainTimes } from "./drain-times.ts";
import { createEnvoyAdmin } from "./envoy-admin.ts";
import { drainEnvoy } from "./envoy-end.ts";
import type { ProxySettings } from "./proxy-settings.ts";

const FLAGS = {
  ...{ domain: "", serviceCluster: "istio-proxy", configPath: ".", discoveryAddress: undefined },
  "trust-domain": "cluster.local",
};
const read = (env: Record<string, string>): ProxySettings =>
  readSettings("sidecar", FLAGS, { INSTANCE_IP: "127.0.9.9", ...env });
const identity = (env: Record<string, string>) => identityOptions(read(env), { configPath: "x" });

describe("the agent's trust domain", () => {
  it("is checked, and part of the identity that the agent expects", () => {
    const env = { TRUST_DOMAIN: "me@example.com", SERVICE_ACCOUNT: "web", POD_NAMESPACE: "shop" };
    assert.equal(read(env).trustDomain, "me.example.com");
    assert.equal(identity(env).spiffeId, "spiffe://me.example.com/ns/shop/sa/web");
    assert.throws(() => read({ TRUST_DOMAIN: "a/b" }), { code: "invalid_argument", message: /^TRUST_DOMAIN.*"a\/b"/ });
  });

  it("says nothing of a pod that does not know its service account", () =>
    assert.equal(identity({ POD_NAMESPACE: "shop" }).spiffeId, undefined));
});

describe("the key of the certificate", () => {
  for (const [env, keyType] of [
    [{}, "P-256"],
    [{ WORKLOAD_RSA_KEY_SIZE: "2048" }, "RSA-2048"],
    [{ WORKLOAD_RSA_KEY_SIZE: "4096" }, "RSA-4096"],
    [{ WORKLOAD_RSA_KEY_SIZE: "4096", ECC_SIGNATURE_ALGORITHM: "ECDSA" }, "P-256"],
    [{ ECC_SIGNATURE_ALGORITHM: "ECDSA", ECC_CURVE: "P384" }, "P-384"],
    [{ ECC_SIGNATURE_ALGORITHM: "ECDSA", ECC_CURVE: "P256" }, "P-256"],
  ] as const)
    it(`is ${keyType} for ${JSON.stringify(env)}`, () => assert.equal(identity(env).keyType, keyType));

  it("is refused when it is not made here", () => {
    assert.throws(() => identity({ WORKLOAD_RSA_KEY_SIZE: "1024" }), {
      message: /1024 bits are not offered; use 2048/,
    });
    assert.throws(() => identity({ ECC_CURVE: "P521" }), { code: "invalid_argument", message: /^ECC_CURVE: "P521"/ });
  });
});

describe("the drain", () => {
  const times = (env: Record<string, string>, proxyConfig = "{}") =>
    drainTimes(read({ ...env, PROXY_CONFIG: proxyConfig }));

  it("takes terminationDrainDuration, and never less than the minimum when it may end early", () => {
    const early = { EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true" };
    assert.deepEqual(times({}), { drainMs: 5_000 });
    assert.deepEqual(times({ MINIMUM_DRAIN_DURATION: "9s" }), { drainMs: 5_000 });
    assert.deepEqual(times(early, '{"terminationDrainDuration":"1s"}'), { drainMs: 5_000, exitOnZeroAfterMs: 5_000 });
    assert.deepEqual(times({ ...early, MINIMUM_DRAIN_DURATION: "1s" }, '{"terminationDrainDuration":"60s"}'), {
      ...{ drainMs: 60_000, exitOnZeroAfterMs: 1_000 },
    });
    assert.throws(() => times({ MINIMUM_DRAIN_DURATION: "soon" }), { message: /^MINIMUM_DRAIN_DURATION: "soon"/ });
  });

  it("of an Envoy without connections goes on for the minimum", async () => {
    const { startTime } = processOf(process.pid) ?? assert.fail();
    const admin = {
      ...createEnvoyAdmin({ host: "127.0.0.1", port: 1 }),
      post: async () => "",
      activeConnections: async () => 0,
    };
    const begin = performance.now();
    const options = { admin, drainQuery: "", drainMs: 60_000, exitOnZeroAfterMs: 300 };
    await drainEnvoy({ pid: process.pid, startTime }, options);
    const passed = performance.now() - begin;
    assert.ok(passed >= 300 && passed < 30_000, `${passed} ms`);
  });
});
