// What conditions say of objects when certain proxies are connected.
import { Turns } from "@xebec/core-async";
import { createMetrics } from "@xebec/core-metrics";
import { findKind, type Resource } from "@xebec/model-resources";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { XdsServer } from "../server/xds-server.ts";
import { type ClientOptions, SotwClient } from "../test-client.testkit.ts";
import { conditionsOf } from "./condition-writer.ts";
import { ObjectsInUse } from "./objects-in-use.ts";

export const HOST = "svc.example.com";
export const object = (kind: string, name: string, namespace: string, spec: object): Resource => ({
  group: findKind(kind)?.group ?? "",
  ...{ version: "v1", kind, namespace, name, creationTimestamp: "2026-01-01T00:00:00Z", spec },
});

/** A service of one endpoint, which is always there. */
export const entry = object("ServiceEntry", "se", "default", {
  ...{ hosts: [HOST], location: "MESH_INTERNAL", resolution: "STATIC" },
  ports: [{ number: 80, name: "http", protocol: "HTTP" }],
  endpoints: [{ address: "10.0.0.1", labels: { version: "v1" } }],
});

export const SIDECAR: ClientOptions = {
  authenticated: true,
  node: {
    id: "sidecar~127.20.1.1~web-1.default~default.svc.cluster.local",
    metadata: { NAMESPACE: "default", INTERCEPTION_MODE: "NONE", APP_ADDRESS: "127.20.2.1", HTTP_PROXY_PORT: "15002" },
  },
};
export const CAPTURED: ClientOptions = { authenticated: true };
export const ROUTER: ClientOptions = {
  authenticated: true,
  node: {
    id: "router~10.0.0.2~gw-1.default~default.svc.cluster.local",
    metadata: { NAMESPACE: "default", LABELS: { istio: "ingress" } },
  },
};

/** What is said of the first object when these proxies are connected. */
export async function said(
  objects: readonly [Resource, ...Resource[]],
  clients: readonly ClientOptions[],
): Promise<string> {
  const server = new XdsServer({ metrics: createMetrics() });
  const builder = new MeshBuilder();
  await server.update(builder.apply({ config: { puts: [entry, ...objects], deletes: [] } }));
  for (const each of clients) new SotwClient(server, each).send("cluster");
  const use = await new ObjectsInUse(server, () => {}).find(new Turns());
  const { group, kind, namespace, name } = objects[0];
  const routers = [...server.connections]
    .filter((each) => each.proxy.type === "router")
    .map(({ proxy }) => proxy.labels);
  const found = [...conditionsOf(builder.snapshot, routers, new Map(), use)].find(
    (each) => each.object === `${group}/${kind}/${namespace}/${name}`,
  );
  return `${found?.reason}${found?.message ? `: ${found.message}` : ""}`;
}
