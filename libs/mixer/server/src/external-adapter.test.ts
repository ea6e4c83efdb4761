import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Authorization } from "@xebec/api-envoy/envoy/service/auth/v3/external_auth";
import { waitFor } from "@xebec/core-async";
import { configOf } from "@xebec/core-config";
import { createMetrics } from "@xebec/core-metrics";
import { findPackage, loadAdapterPackage } from "@xebec/mixer-loader";
import { createMemoryBus } from "@xebec/platform-bus";
import { clientOf } from "@xebec/platform-grpc";
import { serviceAdapters } from "./adapters.ts";
import { PolicyConfig } from "./config.ts";
import { createMixerPolicy } from "./mixer-service.ts";
import { authRequest } from "./policy-mesh.testkit.ts";
import { objectsOf, startMixer } from "./test-mesh.testkit.ts";

const KEYRING = new URL("../../loader/testdata/keyring", import.meta.url).pathname;

const config = (params: string, connection = "{}") => `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: keys, namespace: istio-system}
spec: {compiledAdapter: keyring, params: ${params}, connection: ${connection}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: use, namespace: istio-system}
spec: {compiledTemplate: keyuse, params: {key: 'request.headers["x-key"] | "none"', caller_ip: source.ip}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: keys, namespace: istio-system}
spec: {actions: [{handler: keys, instances: [use]}]}
`;

test("an adapter from outside, with a template of its own, decides about requests; changed files are loaded while it runs", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "adapter-"));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(KEYRING, folder, { recursive: true });
  const flags = configOf(PolicyConfig, { adapter: [folder], adapterReload: true });
  const loaded = await serviceAdapters("mixer-policy", {
    config: flags,
    bus: createMemoryBus(),
    metrics: createMetrics(),
  });
  const mixer = await startMixer(
    (options) => createMixerPolicy({ ...options, followAdapters: loaded.follow }),
    loaded.adapters,
    objectsOf(config("{keys: [one]}")),
  );
  t.after(() => mixer.close());
  const client = clientOf(Authorization, mixer.channel);
  const ask = async (key: string) => {
    const { status } = await client.check(authRequest("10.0.0.1", "/", { "x-key": key }, {}));
    return `${status?.code} ${status?.message ?? ""}`;
  };
  assert.match(await ask("one"), /^0/);
  assert.match(await ask("two"), /^16 .*the key two is not known/);
  assert.match(
    await mixer.metrics.registry.metrics(),
    /mixer_adapter_refused\{adapter="keyring",handler="keys.istio-system"\} 1/,
  );

  // A part of it changes, not the entry.
  writeFileSync(join(folder, "describe.ts"), 'export const describe = () => "changed";\n');
  await waitFor("the changed adapter", 5000, async () => (await ask("two")).includes("changed"));
  // One that cannot be loaded leaves the one before.
  const entry = readFileSync(join(folder, "index.ts"), "utf8");
  writeFileSync(join(folder, "index.ts"), "export default {");
  writeFileSync(join(folder, "index.ts"), entry.replace("lets known", "lets all known"));
  assert.match(await ask("two"), /^16/);

  await mixer.publish(objectsOf(config("{keyes: [one]}")));
  assert.match(
    mixer.conditions.get([...mixer.conditions.keys()].find((key) => key.includes("handler")) ?? "") ?? "",
    /rejected.*keyes/,
  );
});

test("one line of the handler runs it in a worker, where changed files are loaded, too", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "adapter-"));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(KEYRING, folder, { recursive: true });
  const loaded = await serviceAdapters("mixer-policy", {
    config: configOf(PolicyConfig, { adapter: [folder], adapterReload: true }),
    bus: createMemoryBus(),
    metrics: createMetrics(),
  });
  const mixer = await startMixer(
    (options) => createMixerPolicy({ ...options, followAdapters: loaded.follow, hostOf: loaded.hostOf }),
    loaded.adapters,
    objectsOf(config("{keys: [one]}", '{address: "worker://"}')),
  );
  t.after(() => mixer.close());
  const client = clientOf(Authorization, mixer.channel);
  const ask = async (key: string) => {
    const { status } = await client.check(authRequest("10.0.0.1", "/", { "x-key": key }, {}));
    return `${status?.code} ${status?.message ?? ""}`;
  };
  assert.match(await ask("one"), /^0/);
  assert.match(await ask("two"), /^16 .*the key two is not known/);
  await waitFor("its metric", 5000, async () =>
    (await mixer.metrics.registry.metrics()).includes(
      'mixer_adapter_refused{adapter="keyring",handler="keys.istio-system"} 1',
    ),
  );
  writeFileSync(join(folder, "describe.ts"), 'export const describe = () => "changed";\n');
  await waitFor("the changed adapter", 20_000, async () => (await ask("two")).includes("changed"));
  await mixer.publish(objectsOf(config("{keys: [one]}", '{address: "worker://mine"}')));
  const key = [...mixer.conditions.keys()].find((each) => each.includes("handler")) ?? "";
  await waitFor("the refusal", 5000, () =>
    /rejected.*connection\.address.*worker:\/\/ and nothing more/.test(mixer.conditions.get(key) ?? ""),
  );
});

test("what is no adapter is refused with its place", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "adapter-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const refused = (text: string, pattern: RegExp) => {
    writeFileSync(join(folder, "index.ts"), text);
    return assert.rejects(loadAdapterPackage(folder), pattern);
  };
  await refused("export default 1;", /must export defineAdapter/);
  await refused('export default { name: "A", templates: ["metric"], create() {}, config: {} };', /name "A" must be/);
  await refused('throw new Error("no");', /cannot be loaded: no/);
  await refused(
    'import { defineAdapter } from "@xebec/mixer-sdk"; export default defineAdapter({ name: "a", templates: ["x"] });',
    /takes the template x, which is not known/,
  );
  assert.throws(() => findPackage("@nobody/nothing"), /no node_modules\/@nobody\/nothing/);
});
