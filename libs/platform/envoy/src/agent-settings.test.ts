import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { identityOptions, type ProxySettings, readSettings } from "./index.ts";

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

  it("says nothing of a pod that is not told its service account", () =>
    assert.equal(identity({ POD_NAMESPACE: "shop" }).spiffeId, undefined));
});
