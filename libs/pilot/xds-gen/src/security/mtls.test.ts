import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Resource } from "@xebec/model-resources";
import { object, scopeOf, snapshotOf } from "../small-mesh.testkit.ts";
import { mtlsMode } from "./mtls.ts";

const ROOT = "istio-system";
const policy = (spec: object, namespace = "default", created = "2026-01-02T00:00:00Z", name = created): Resource =>
  object("PeerAuthentication", name, spec, { namespace, created });
const mode = (value: string) => ({ mtls: { mode: value } });
const REVIEWS = { selector: { matchLabels: { app: "reviews" } } };

/** What holds for the workload `app: reviews` in `default` at port 9080, and what a client infers for the namespace. */
function modes(...policies: Resource[]): [workload: string, client: string] {
  const scope = scopeOf(snapshotOf(policies));
  const labels = { app: "reviews", version: "v1" };
  return [mtlsMode(scope, "default", labels, 9080), mtlsMode(scope, "default", undefined, undefined)];
}

describe("the mutual TLS mode", () => {
  const port = (value: string, more: object = {}) => ({ portLevelMtls: { "9080": { mode: value } }, ...more });
  for (const [name, policies, workload, client] of [
    ["is PERMISSIVE without any policy", [], "PERMISSIVE", "PERMISSIVE"],
    ["is the mesh's", [policy(mode("STRICT"), ROOT)], "STRICT", "STRICT"],
    [
      "is the namespace's before the mesh's",
      [policy(mode("STRICT"), ROOT), policy(mode("DISABLE"))],
      "DISABLE",
      "DISABLE",
    ],
    [
      "inherits from the mesh where the namespace says UNSET",
      [policy(mode("STRICT"), ROOT), policy(mode("UNSET"))],
      "STRICT",
      "STRICT",
    ],
    [
      "inherits from the mesh where the namespace says nothing",
      [policy(mode("STRICT"), ROOT), policy({})],
      "STRICT",
      "STRICT",
    ],
    [
      "is PERMISSIVE where all say UNSET",
      [policy(mode("UNSET"), ROOT), policy(mode("UNSET"))],
      "PERMISSIVE",
      "PERMISSIVE",
    ],
    [
      "is the workload's before the namespace's; clients do not look at workloads",
      [policy(mode("STRICT")), policy({ ...REVIEWS, ...mode("DISABLE") }, "default", "2026-01-03T00:00:00Z")],
      "DISABLE",
      "STRICT",
    ],
    [
      "inherits from the namespace where the workload says UNSET",
      [policy(mode("STRICT")), policy({ ...REVIEWS, ...mode("UNSET") }, "default", "2026-01-03T00:00:00Z")],
      "STRICT",
      "STRICT",
    ],
    [
      "is the port's before the workload's",
      [policy({ ...REVIEWS, ...mode("STRICT"), ...port("DISABLE") })],
      "DISABLE",
      "PERMISSIVE",
    ],
    [
      "inherits from the workload where the port says UNSET",
      [policy({ ...REVIEWS, ...mode("STRICT"), ...port("UNSET") })],
      "STRICT",
      "PERMISSIVE",
    ],
    [
      "inherits from the mesh where port and workload say UNSET",
      [policy(mode("STRICT"), ROOT), policy({ ...REVIEWS, ...mode("UNSET"), ...port("UNSET") })],
      "STRICT",
      "STRICT",
    ],
    [
      "takes no heed of another port",
      [policy({ ...REVIEWS, portLevelMtls: { "8080": { mode: "STRICT" } } })],
      "PERMISSIVE",
      "PERMISSIVE",
    ],
    ["takes no heed of ports without a selector", [policy(port("STRICT"))], "PERMISSIVE", "PERMISSIVE"],
    [
      "takes no heed of other workloads",
      [policy({ selector: { matchLabels: { app: "ratings" } }, ...mode("STRICT") })],
      "PERMISSIVE",
      "PERMISSIVE",
    ],
    ["takes no heed of other namespaces", [policy(mode("STRICT"), "prod")], "PERMISSIVE", "PERMISSIVE"],
    [
      "takes no heed of a selector in the root namespace",
      [policy({ ...REVIEWS, ...mode("STRICT") }, ROOT)],
      "PERMISSIVE",
      "PERMISSIVE",
    ],
    [
      "takes a selector without labels for none",
      [policy({ selector: { matchLabels: {} }, ...mode("STRICT") })],
      "STRICT",
      "STRICT",
    ],
    [
      "is the older one's of two for a namespace",
      [
        policy(mode("DISABLE"), "default", "2026-01-02T00:00:00Z"),
        policy(mode("STRICT"), "default", "2026-01-01T00:00:00Z"),
      ],
      "STRICT",
      "STRICT",
    ],
    [
      "is the older one's of two for a workload",
      [
        policy({ ...REVIEWS, ...mode("DISABLE") }, "default", "2026-01-02T00:00:00Z"),
        policy({ ...REVIEWS, ...mode("STRICT") }, "default", "2026-01-01T00:00:00Z"),
      ],
      "STRICT",
      "PERMISSIVE",
    ],
    [
      "is the first name's of two of one age",
      [
        policy(mode("DISABLE"), "default", "2026-01-01T00:00:00Z", "b"),
        policy(mode("STRICT"), "default", "2026-01-01T00:00:00Z", "a"),
      ],
      "STRICT",
      "STRICT",
    ],
  ] as const satisfies readonly (readonly [string, Resource[], string, string])[])
    it(name, () => assert.deepEqual(modes(...policies), [workload, client]));

  it("follows the root namespace of the mesh settings", () => {
    const root = object("MeshConfig", "mesh", { rootNamespace: "root" }, { namespace: ROOT });
    assert.deepEqual(modes(root, policy(mode("STRICT"), ROOT)), ["PERMISSIVE", "PERMISSIVE"]);
    assert.deepEqual(modes(root, policy(mode("STRICT"), "root")), ["STRICT", "STRICT"]);
  });

  it("notes whose policies it read", () => {
    const noted = new Set<string>();
    mtlsMode(scopeOf(snapshotOf([]), undefined, noted), "default", {}, 1);
    assert.deepEqual([...noted], ["mesh", "pa/istio-system", "pa/default", "policy/default", "policy/"]);
  });
});
