import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "@xebec/core-config";
import { checkMixerConfig, configStoreOf, listenAddressOf, loadSheddingOf, PolicyConfig } from "./config.ts";

const read = (...argv: string[]) => loadConfig(PolicyConfig, argv, {}).config;

test("the flags of Istio's chart are taken", () => {
  const config = read(
    "--monitoringPort=15014",
    "--address",
    "unix:///sock/mixer.socket",
    "--log_output_level=default:info",
    `--configStoreURL=fs://${import.meta.dirname}`,
    "--configDefaultNamespace=istio-system",
    "--useAdapterCRDs=false",
    "--trace_zipkin_url=http://zipkin:9411/api/v1/spans",
    "--averageLatencyThreshold",
    "100ms",
    "--loadsheddingMode",
    "enforce",
  );
  checkMixerConfig(config);
  assert.equal(config.useAdapterCRDs, false);
  assert.deepEqual(listenAddressOf(config), { path: "/sock/mixer.socket" });
  assert.deepEqual(configStoreOf(config), { dir: import.meta.dirname, busURL: [] });
  assert.equal(loadSheddingOf(config).averageLatencyMs, 100);
});

test("addresses and stores are read in all their forms", () => {
  assert.deepEqual(listenAddressOf(read()), { host: "0.0.0.0", port: 9091 });
  assert.deepEqual(listenAddressOf(read("--port=0")), { host: "0.0.0.0", port: 0 });
  assert.deepEqual(listenAddressOf(read("--address=tcp://127.0.0.1:7")), { host: "127.0.0.1", port: 7 });
  assert.deepEqual(configStoreOf(read("--configStoreURL=nats://a:1", "--busURL=nats://b:2")), {
    dir: undefined,
    busURL: ["nats://a:1", "nats://b:2"],
  });
  assert.deepEqual(configStoreOf(read()), { dir: undefined, busURL: [] });
});

test("what cannot work is refused before anything opens", () => {
  for (const [flag, want] of [
    ["--configStoreURL=etcd://", /"etcd:\/\/" is not a store/],
    ["--configStoreURL=k8s://config", /"config" is not an absolute path/],
    ["--configStoreURL=fs://", /needs a directory/],
    ["--configStoreURL=fs:///none/here", /--configStoreURL: there is no directory "\/none\/here"/],
    ["--averageLatencyThreshold=abc", /"abc" is not a duration/],
    ["--address=nowhere", /--address: "nowhere" is not an address/],
    ["--secureAddr=x", /is not an address/],
  ] as const)
    assert.throws(() => checkMixerConfig(read(flag)), want, flag);
});
