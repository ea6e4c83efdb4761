import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { grantedNames } from "./granted-names.ts";

const caller = (namespace: string, serviceAccount: string, trustDomain = "cluster.local") => ({
  ...{ trustDomain, namespace, serviceAccount },
});
const ASKED = {
  uris: ["spiffe://cluster.local/ns/bank/sa/vault"],
  dns: ["istio-pilot.istio-system.svc", "istio-policy.istio-system", "istiod.istio-system.svc", "example.com"],
  ips: ["127.0.0.9", "::1", "10.0.0.1"],
};
const HOME = "istio-system";

describe("the names of a certificate", () => {
  for (const [namespace, account, dns] of [
    [HOME, "istio-pilot-service-account", ["istio-pilot.istio-system.svc", "istiod.istio-system.svc"]],
    [HOME, "istio-mixer-service-account", ["istio-policy.istio-system"]],
    [HOME, "istiod", ["istio-pilot.istio-system.svc", "istio-policy.istio-system", "istiod.istio-system.svc"]],
    [HOME, "default", undefined],
    [HOME, "constructor", undefined],
    ["default", "istiod", undefined],
  ] as const)
    it(`of ${namespace}/${account} are ${dns ?? "its identity alone"}`, () => {
      assert.deepEqual(grantedNames(caller(namespace, account), ASKED, HOME), {
        uris: [`spiffe://cluster.local/ns/${namespace}/sa/${account}`],
        ...(dns ? { dns, ips: ["127.0.0.9", "::1"] } : {}),
      });
    });

  it("have no name that was not asked for", () => {
    const { dns, ips } = grantedNames(caller(HOME, "istiod"), { uris: [], dns: [], ips: [] }, HOME);
    assert.deepEqual([dns, ips], [[], []]);
  });
});
