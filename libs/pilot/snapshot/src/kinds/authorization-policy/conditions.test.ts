import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOf, type Resource } from "@xebec/model-resources";
import { object, service, snapshotOf } from "../../small-mesh.testkit.ts";
import type { KnownProxies } from "../kind.ts";
import { rbacConditions } from "../rbac/conditions.ts";
import { authorizationPolicyConditions } from "./conditions.ts";

const UNKNOWN: KnownProxies = { routers: [], use: undefined };
const NOBODY: KnownProxies = { routers: [], use: { configKeys: new Set(), sidecars: [] } };
const RECORDS = [...service("web", { ports: { http: 80, tcp: 5000 } }), ...service("authz", { ports: { grpc: 9000 } })];

const policy = (spec: object, annotations: Readonly<Record<string, string>> = {}): Resource => ({
  ...object("AuthorizationPolicy", "p", spec),
  annotations,
});
const grpc = (name: string, host: string, port = 9000): object => ({
  name,
  envoyExtAuthzGrpc: { service: `${host}.default.svc.cluster.local`, port },
});
const MESH = object(
  "MeshConfig",
  "mesh",
  { extensionProviders: [grpc("authz", "authz"), grpc("gone", "gone"), grpc("port", "authz", 1)] },
  { namespace: "istio-system" },
);

/** Reason and message of the only policy. */
function said(resource: Resource, proxies = UNKNOWN): string {
  const [condition] = authorizationPolicyConditions(snapshotOf([MESH, resource], RECORDS), proxies);
  assert.equal(condition?.key, keyOf(resource));
  return `${condition.reason}: ${condition.message}`;
}
const custom = (name: string): object => ({ action: "CUSTOM", provider: { name }, rules: [{}] });
const paths = { rules: [{ to: [{ operation: { paths: ["/a"] } }] }] };
const DENIED = "what the rules match is denied";

describe("the condition of an AuthorizationPolicy", () => {
  for (const [name, resource, expected] of [
    ["that is in effect", policy({ rules: [{}] }), "Attached: "],
    ["in dry run", policy({}, { "istio.io/dry-run": "true" }), "Attached: dry run: counted, without effect"],
    ["with an authorizer", policy(custom("authz")), "Attached: "],
    [
      "with an unknown authorizer",
      policy(custom("x")),
      `PartlyResolved: spec.provider.name: MeshConfig's extensionProviders have no ext_authz provider "x" (there are authz, gone, port); ${DENIED}`,
    ],
    [
      "with an authorizer whose service is missing",
      policy(custom("gone")),
      `PartlyResolved: spec.provider.name: no service gone.default.svc.cluster.local, which the provider "gone" names; ${DENIED}`,
    ],
    [
      "with an authorizer whose service has not its port",
      policy(custom("port")),
      `PartlyResolved: spec.provider.name: service authz.default.svc.cluster.local of the provider "port" has no port 1; ${DENIED}`,
    ],
    [
      "that allows by HTTP where there are TCP ports",
      policy(paths),
      "PartlyResolved: spec.rules[0]: allows no connection to web.default.svc.cluster.local:5000, which have no HTTP: to[0].operation.paths",
    ],
    [
      "that denies by HTTP where there are TCP ports",
      policy({ ...paths, action: "DENY" }),
      "PartlyResolved: spec.rules[0].to[0].operation.paths: not compared for connections to web.default.svc.cluster.local:5000, which have no HTTP",
    ],
    [
      "for other workloads than those with TCP ports",
      policy({ ...paths, selector: { matchLabels: { app: "authz" } } }),
      "Attached: ",
    ],
    [
      "for other ports than TCP ports",
      policy({ rules: [{ to: [{ operation: { paths: ["/a"], ports: ["80"] } }] }] }),
      "Attached: ",
    ],
  ] as const)
    it(name, () => assert.equal(said(resource), expected));

  it("for a waypoint, or for nobody who is connected", () => {
    assert.match(said(policy({ targetRefs: [{ kind: "Service", name: "web" }] })), /^NoProxySelected: .*waypoint/);
    assert.match(said(policy({ rules: [{}] }), NOBODY), /^NoProxyAffected: no proxy that is connected/);
  });
});

describe("the conditions of rbac.istio.io", () => {
  const rbac = (kind: string, name: string, spec: object, namespace = "default"): Resource =>
    object(kind, name, spec, { namespace });
  const role = rbac("ServiceRole", "r", { rules: [{ services: ["*"] }] });
  const binding = rbac("ServiceRoleBinding", "b", {
    ...{ subjects: [{ user: "*", properties: { color: "red" } }], roleRef: { kind: "ServiceRole", name: "r" } },
  });
  const on = rbac("ClusterRbacConfig", "default", { mode: "ON" }, "");
  const all = (...objects: Resource[]): string[] =>
    [...rbacConditions(snapshotOf(objects), UNKNOWN)].map(({ key, reason, message }) =>
      [key.split("/").slice(1).join("/"), reason, message].join(" ").trim(),
    );

  it("say what is missing", () => {
    const off = "no service asks for roles: create a ClusterRbacConfig named default with mode ON";
    assert.deepEqual(all(role), [`ServiceRole/default/r NoProxyAffected ${off}`]);
    assert.deepEqual(all(on, role), [
      "ClusterRbacConfig//default Attached",
      "ServiceRole/default/r NoProxyAffected no ServiceRoleBinding of namespace default refers to it: nobody has the role",
    ]);
    assert.deepEqual(all(on, binding), [
      "ClusterRbacConfig//default Attached",
      "ServiceRoleBinding/default/b NoProxyAffected spec.roleRef.name: no ServiceRole r in namespace default",
    ]);
  });

  it("say which configuration holds, and what of a subject means nobody", () => {
    const older = rbac("RbacConfig", "default", { mode: "ON" }, "istio-system");
    const elsewhere = rbac("RbacConfig", "default", { mode: "ON" });
    assert.deepEqual(all(on, older, elsewhere, role, binding).sort(), [
      "ClusterRbacConfig//default Attached",
      "RbacConfig/default/default NoProxyAffected only a RbacConfig of the root namespace istio-system holds; write a ClusterRbacConfig",
      "RbacConfig/istio-system/default NoProxyAffected the ClusterRbacConfig default holds in its place",
      "ServiceRole/default/r Attached",
      "ServiceRoleBinding/default/b PartlyResolved spec.subjects[0].properties.color: no such attribute: the subject is nobody",
    ]);
  });
});
