// Both Mixer services in a process of their own, for the test of hostile input. It says its ports, answers `reset` and `longest`, and ends with its parent.
import { compose } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { encodeResource, keyOf } from "@xebec/model-resources";
import { createMemoryBus, createRevisionWriter } from "@xebec/platform-bus";
import { createMixerPolicy, createMixerTelemetry } from "./mixer-service.ts";
import { objectsOf, policyAdapters, telemetryAdapters, testdata } from "./test-mesh.testkit.ts";

const RULES = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: staff, namespace: istio-system}
spec: {compiledAdapter: listchecker, params: {overrides: [ann]}}
---
apiVersion: config.istio.io/v1alpha2
kind: listentry
metadata: {name: user, namespace: istio-system}
spec: {value: 'request.headers["user"] | source.labels["user"] | source.user | "nobody"'}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: staff, namespace: istio-system}
spec: {match: '(request.path | "/") != "/open"', actions: [{handler: staff, instances: [user.listentry]}]}
`;

const bus = createMemoryBus();
const config = createRevisionWriter({ bus, bucket: "config", source: "galley" });
const records = createRevisionWriter({ bus, bucket: "workloads", source: "local" });
const address = { host: "127.0.0.1", port: 0 };
const policy = createMixerPolicy({ bus, adapters: policyAdapters(), metrics: createMetrics(), address });
const telemetry = createMixerTelemetry({
  bus,
  adapters: telemetryAdapters().adapters,
  metrics: createMetrics(),
  address,
});
await compose("mixer", [bus, config, records, ...policy.components, ...telemetry.components]).start(
  new AbortController().signal,
);
await records.replace(new Map());
const objects = [...objectsOf(RULES), ...testdata("prometheus.yaml")];
await config.replace(new Map(objects.map((each) => [keyOf(each), encodeResource(each)])));

/** The most CPU that one turn of the loop took, in milliseconds: on a busy machine the wall clock says nothing. */
let longest = 0;
let before = process.threadCpuUsage();
function turn(): void {
  const now = process.threadCpuUsage();
  longest = Math.max(longest, (now.user + now.system - before.user - before.system) / 1000);
  before = now;
  setImmediate(turn);
}
turn();
process.on("message", (what) => {
  if (what === "reset") longest = 0;
  process.send?.({ longest });
});
process.on("disconnect", () => process.exit());
process.send?.({ policy: policy.server.port, telemetry: telemetry.server.port });
