import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TypedExtensionConfigSchema } from "@xebec/api-envoy/envoy/config/core/v3/extension";
import type { Resource } from "@xebec/model-resources";
import { type JwksFetch, keysOf } from "@xebec/pilot-snapshot";
import { MeshBuilder } from "@xebec/pilot-snapshot/testkit";
import { encodeExtensionConfig } from "../../encode/extension-config.ts";
import { type Json, jsonOf, object, proxy, scopeOf, service, snapshotOf } from "../../small-mesh.testkit.ts";
import { extensionConfig, httpFilters } from "./registry.ts";

const FILTER = "envoy.filters.http.jwt_authn";
const policy = (rule: object, namespace = "default"): Resource => ({
  ...object("RequestAuthentication", "p", { jwtRules: [rule] }, { namespace }),
  group: "security.istio.io",
});
const INLINE = { issuer: "a", jwks: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}' };

describe("the filter that verifies tokens", () => {
  for (const [what, objects, kind, isThere] of [
    ["is there where a policy selects the proxy", [policy(INLINE)], "inbound", true],
    ["is there for a policy of the root namespace", [policy(INLINE, "istio-system")], "inbound", true],
    ["is not there on the way out", [policy(INLINE)], "outbound", false],
    ["is not there for a policy of another namespace", [policy(INLINE, "prod")], "inbound", false],
    ["is not there without policies", [], "inbound", false],
  ] as const)
    it(what, () => {
      const scope = scopeOf(snapshotOf([...objects]));
      const filters = httpFilters(scope, { protocol: "http", kind, statPrefix: "x", routes: { rds: "x" } });
      assert.equal(
        filters.some(({ name }) => name === FILTER),
        isThere,
      );
      if (kind !== "outbound") assert.equal(extensionConfig(scope, FILTER) !== undefined, isThere);
    });

  const sourceOf = (jwksFetch: JwksFetch, jwksUri: string): Json => {
    const builder = new MeshBuilder({ jwksFetch });
    const puts = [policy({ issuer: "a", jwksUri, timeout: "3s" })];
    builder.apply({ config: { puts, deletes: [] }, workloads: { puts: [...service("keys")], deletes: [] } });
    const config = extensionConfig(scopeOf(builder.snapshot), FILTER);
    assert.ok(config);
    return jsonOf(TypedExtensionConfigSchema, encodeExtensionConfig(config).bytes).typed_config.providers["origins-0"];
  };
  const OWN = "http://keys.default.svc.cluster.local:9080/keys";
  const CLUSTER = "outbound|9080||keys.default.svc.cluster.local";
  for (const [mode, uri, cluster] of [
    ["istiod", OWN, undefined],
    ["hybrid", OWN, CLUSTER],
    ["hybrid", "https://a.example.com/keys", undefined],
    ["hybrid", "http://keys.default.svc.cluster.local:1/keys", undefined],
    ["envoy", OWN, CLUSTER],
    ["envoy", "https://a.example.com/keys", "outbound|443||a.example.com"],
  ] as const)
    it(`with ${mode} keys of ${uri} come by ${cluster ?? "pilot"}`, () => {
      const { remote_jwks: remote, local_jwks: local } = sourceOf(mode, uri);
      assert.equal(remote?.http_uri.cluster, cluster);
      assert.equal(remote === undefined, local !== undefined);
      if (remote) assert.deepEqual([remote.http_uri.uri, remote.http_uri.timeout], [uri, "3s"]);
    });

  it("is made again when its keys change, and for no other key set", () => {
    const builder = new MeshBuilder();
    const uri = "https://a.example.com/keys";
    builder.apply({ config: { puts: [policy({ issuer: "a", jwksUri: uri })], deletes: [] } });
    const reads = new Set<string>();
    extensionConfig(scopeOf(builder.snapshot, proxy(), reads), FILTER);
    const changeOf = (id: string) =>
      builder.apply({ keySets: new Map([[id, { jwks: INLINE.jwks, problem: "" }]]) }).changed;
    assert.ok([...changeOf(uri)].some((key) => reads.has(key)));
    assert.ok(![...changeOf("https://b.example.com/keys")].some((key) => reads.has(key)));
    assert.equal(scopeOf(builder.snapshot).read(keysOf, uri), INLINE.jwks);
  });
});
