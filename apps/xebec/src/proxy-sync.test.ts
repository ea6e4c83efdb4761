import assert from "node:assert/strict";
import { test } from "node:test";
import { nackOf, type ProxySync, syncCell } from "./proxy-sync.ts";

const SYNC: ProxySync = {
  proxy: "web.default",
  proxy_type: "sidecar",
  istio_version: "1.29.0",
  cluster_id: "Kubernetes",
  authenticated: true,
  cluster_sent: "2",
  cluster_acked: "2",
  listener_sent: "2",
  listener_acked: "1",
  route_sent: "",
  route_acked: "",
  endpoint_sent: "3",
  endpoint_acked: "2",
  extensionconfig_sent: "1",
  extensionconfig_acked: "1",
  resources: {
    "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment": { last_error: "no such cluster" },
    "type.googleapis.com/envoy.config.cluster.v3.Cluster": { last_error: "" },
  },
};

test("each state has its cell", () => {
  assert.deepEqual(
    (["cluster", "listener", "endpoint", "route"] as const).map((type) => syncCell(SYNC, type)),
    ["SYNCED", "STALE", "NACKED", "NOT SENT"],
  );
  assert.equal(nackOf(SYNC, "endpoint"), "no such cluster");
});
