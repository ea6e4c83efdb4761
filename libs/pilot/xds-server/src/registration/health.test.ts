import assert from "node:assert/strict";
import { it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { DiscoveryRequestSchema } from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import { createMetrics } from "@xebec/core-metrics";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { XdsServer } from "../server/xds-server.ts";
import { SotwClient } from "../test-client.testkit.ts";

const HEALTH = "type.googleapis.com/istio.v1.HealthInformation";

it("what an agent reports of its workload's health reaches its registration, and is not answered", async () => {
  const seen: unknown[] = [];
  const server = new XdsServer({
    metrics: createMetrics(),
    registrations: {
      connected: (proxy, verified) => {
        seen.push([proxy.registrationGroup, verified]);
        return { health: (healthy) => seen.push(healthy), gone: () => seen.push("gone") };
      },
    },
  });
  await server.update(new MeshBuilder().apply({}));
  const node = {
    id: "sidecar~10.0.0.9~vm.default~default.svc.cluster.local",
    metadata: { NAMESPACE: "default", AUTO_REGISTER_GROUP: "vms" },
  };
  const client = new SotwClient(server, { authenticated: true, node });
  client.send("cluster");
  client.take();
  const report = (error?: { code: number; message: string }): void =>
    client.stream.message(
      Buffer.from(
        toBinary(
          DiscoveryRequestSchema,
          create(DiscoveryRequestSchema, { typeUrl: HEALTH, ...(error ? { errorDetail: error } : {}) }),
        ),
      ),
    );
  report();
  report({ code: 14, message: "the probe has failed" });
  assert.deepEqual(client.take(), []);
  client.stream.end();
  assert.deepEqual(seen, [["vms", true], true, false, "gone"]);
});
