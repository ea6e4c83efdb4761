import assert from "node:assert/strict";
import { test } from "node:test";
import { RateLimitResponse_Code as Code, RateLimitService } from "@xebec/api-envoy/envoy/service/ratelimit/v3/rls";
import { clientOf } from "@xebec/platform-grpc";
import { createMixerPolicy } from "./mixer-service.ts";
import { objectsOf, pod, policyAdapters, startMixer } from "./test-mesh.testkit.ts";

/** Istio's sample of a global rate limit: one request a minute for a path, more for all others. */
const CONFIG = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: limits, namespace: istio-system}
spec:
  compiledAdapter: memquota
  params:
    quotas:
    - name: productpage-ratelimit.instance.istio-system
      maxAmount: 4
      validDuration: 60s
      overrides: [{dimensions: {path: /productpage}, maxAmount: 1, validDuration: 60s}]
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: productpage-ratelimit, namespace: istio-system}
spec:
  compiledTemplate: quota
  params: {dimensions: {path: 'request.headers["PATH"] | "any"', app: 'source.labels["app"] | "none"'}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: limits, namespace: istio-system}
spec: {actions: [{handler: limits, instances: [productpage-ratelimit]}]}
`;

const WORKLOADS = [pod("reviews", "v1", "10.0.0.3")];

test("the rate limit service takes from the quota that the domain names, by descriptor, and knows workloads", async () => {
  const mixer = await startMixer(createMixerPolicy, policyAdapters(), objectsOf(CONFIG), WORKLOADS);
  try {
    const client = clientOf(RateLimitService, mixer.channel);
    const ask = async (
      descriptors: readonly Record<string, string>[],
      hitsAddend = 0,
      domain = "productpage-ratelimit",
    ) => {
      const entriesOf = (each: Record<string, string>) => Object.entries(each).map(([key, value]) => ({ key, value }));
      const request = { domain, hitsAddend, descriptors: descriptors.map((each) => ({ entries: entriesOf(each) })) };
      const { overallCode, statuses } = await client.shouldRateLimit(request);
      return [overallCode, ...statuses.map(({ code }) => code)].map((code) => Code[code]).join(" ");
    };
    assert.equal(await ask([{ PATH: "/productpage" }]), "OK OK");
    assert.equal(await ask([{ PATH: "/productpage" }]), "OVER_LIMIT OVER_LIMIT");
    assert.equal(await ask([{ PATH: "/other" }, { PATH: "/productpage" }]), "OVER_LIMIT OK OVER_LIMIT");
    assert.equal(await ask([{ PATH: "/other" }], 3), "OK OK");
    assert.equal(await ask([{ PATH: "/other" }], 1), "OVER_LIMIT OVER_LIMIT");
    assert.equal(await ask([{ PATH: "/other", "source.ip": "10.0.0.3" }], 4), "OK OK", "another workload's own count");
    assert.equal(await ask([{ PATH: "/productpage" }], 100, "unknown"), "OK OK");
    assert.equal(await ask([]), "OK");
    const own = { hitsAddend: 5n, entries: [{ key: "PATH", value: "/five" }] };
    const { overallCode } = await client.shouldRateLimit({ domain: "productpage-ratelimit", descriptors: [own] });
    assert.equal(overallCode, Code.OVER_LIMIT, "a descriptor's own amount counts");
    await assert.rejects(ask([{}], 1, ""), /domain is required/);
  } finally {
    await mixer.close();
  }
});
