import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { sleep, waitFor } from "@xebec/core-async";
import { type Child, startChild, tempDir } from "@xebec/testing-launch";
import { type Lab, openLab } from "./lab/lab.ts";

const POLICY = "10.9.0.1";

/** A rate limit in the form of Istio 1.1's task: by the caller's header, with a higher limit for one of them. */
const LIMITS = `
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: quotahandler, namespace: istio-system}
spec:
  compiledAdapter: memquota
  params:
    quotas:
    - name: requestcountquota.instance.istio-system
      maxAmount: 2
      validDuration: 3600s
      overrides:
      - {dimensions: {user: jason}, maxAmount: 5, validDuration: 3600s}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: requestcountquota, namespace: istio-system}
spec:
  compiledTemplate: quota
  params:
    dimensions:
      user: request.headers["end-user"] | "unknown"
      destination: destination.service.name | "unknown"
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: quota, namespace: istio-system}
spec:
  match: match(request.headers["end-user"], "admin*") == false
  actions: [{handler: quotahandler, instances: [requestcountquota]}]
---
apiVersion: config.istio.io/v1alpha2
kind: QuotaSpec
metadata: {name: request-count, namespace: istio-system}
spec:
  rules:
  - match: [{clause: {request.url_path: {exact: /two}}}]
    quotas: [{charge: 2, quota: requestcountquota}]
  - match: [{clause: {request.url_path: {regex: /on.}}}, {clause: {request.url_path: {prefix: /first}}}]
    quotas: [{quota: requestcountquota}]
---
apiVersion: config.istio.io/v1alpha2
kind: QuotaSpecBinding
metadata: {name: request-count, namespace: istio-system}
spec:
  quotaSpecs: [{name: request-count}]
  services: [{name: web, namespace: default}]
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: global, namespace: istio-system}
spec:
  compiledAdapter: memquota
  params:
    quotas:
    - name: web-ratelimit.instance.istio-system
      maxAmount: 3
      validDuration: 3600s
      overrides: [{dimensions: {path: /global}, maxAmount: 1, validDuration: 3600s}]
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: web-ratelimit, namespace: istio-system}
spec: {compiledTemplate: quota, params: {dimensions: {path: 'request.headers["PATH"] | "any"'}}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: global, namespace: istio-system}
spec: {actions: [{handler: global, instances: [web-ratelimit]}]}
`;

/** Istio's sample of a global rate limit, with mixer-policy as the service. */
const FILTERS = `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: filter-ratelimit, namespace: default}
spec:
  workloadSelector: {labels: {app: web}}
  configPatches:
  - applyTo: HTTP_FILTER
    match: {context: SIDECAR_INBOUND, listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.router}}}}}
    patch:
      operation: INSERT_BEFORE
      value:
        name: envoy.filters.http.ratelimit
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
          domain: web-ratelimit
          failure_mode_deny: true
          timeout: 10s
          rate_limit_service:
            grpc_service:
              envoy_grpc:
                cluster_name: outbound|9091||istio-policy.istio-system.svc.cluster.local
                authority: istio-policy.istio-system.svc.cluster.local
            transport_api_version: V3
  - applyTo: VIRTUAL_HOST
    match: {context: SIDECAR_INBOUND}
    patch:
      operation: MERGE
      value: {rate_limits: [{actions: [{request_headers: {header_name: ":path", descriptor_key: PATH}}]}]}
`;

describe("a rate limit", () => {
  const folder = tempDir();
  let lab: Lab;
  let policy: Child;
  const ask = async (path: string, user: string, headers: Record<string, string> = {}) =>
    lab.http({ to: "web", url: `http://web:9080${path}`, headers: { "end-user": user, ...headers } });
  const statuses = async (user: string, ...paths: string[]): Promise<number[]> => {
    const found: number[] = [];
    for (const path of paths) found.push((await ask(path, user)).status);
    return found;
  };

  before(async () => {
    lab = await openLab({
      proxies: { web: { kind: "captured", ip: "10.1.0.9", labels: { app: "web" } } },
      services: [
        {
          ...{ name: "web", address: "10.96.0.9", ports: { http: 9080 } },
          pods: [{ name: "web-1", ip: "10.1.0.9", labels: { app: "web" }, sidecar: true }],
        },
        {
          ...{ name: "istio-policy", namespace: "istio-system", address: POLICY, ports: { "grpc-mixer": 9091 } },
          pods: [{ name: "istio-policy-1", ip: POLICY, sidecar: true }],
        },
      ],
      objects: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: mixer, namespace: istio-system}
spec: {host: "*.istio-system.svc.cluster.local", trafficPolicy: {tls: {mode: DISABLE}}}
---${LIMITS}`,
      upstreams: [{ name: "web", at: "10.1.0.9:9080" }],
    });
    const rules = folder.file("rules");
    mkdirSync(rules);
    writeFileSync(join(rules, "rules.yaml"), LIMITS);
    const main = join(import.meta.dirname, "../../apps/mixer-policy/src/main.ts");
    const addresses = ["--address", `${POLICY}:9091`, "--secureAddr", "", "--monitoringAddress", POLICY];
    policy = startChild(
      ...lab.namespace.command(process.execPath, [main, `--configStoreURL=fs://${rules}`, ...addresses]),
    );
    await waitFor("Mixer is ready", 30_000, async () => {
      assert.ok(!policy.exited, policy.output());
      return (await lab.http({ at: `${POLICY}:15014`, url: `http://${POLICY}:15014/readyz` })).status === 200;
    });
  });
  after(async () => {
    await lab?.close();
    await policy?.stop();
    folder.remove();
  });

  it("answers 429 from the first request over it, to each caller by its own count", async () => {
    assert.deepEqual(await statuses("ann", "/one", "/one", "/one"), [200, 200, 429]);
    const refused = await ask("/first/of/all", "ann");
    assert.equal(refused.status, 429);
    assert.match(refused.body, /RESOURCE_EXHAUSTED:Quota is exhausted for: requestcountquota/);
    assert.deepEqual(await statuses("bob", "/first/of/all"), [200]);
  });

  it("holds for the requests that the QuotaSpec is for, with what each is charged", async () => {
    assert.deepEqual(await statuses("cid", "/two", "/other", "/one"), [200, 200, 429]);
  });

  it("has overrides, and a rule whose condition fails does not count", async () => {
    assert.deepEqual(await statuses("jason", "/two", "/two", "/two", "/one", "/one"), [200, 200, 429, 200, 429]);
    assert.deepEqual(await statuses("admin-1", "/one", "/one", "/one"), [200, 200, 200]);
  });

  it("is counted for Envoy's own rate limit filter, too", () =>
    lab.during(FILTERS, async () => {
      assert.deepEqual(await statuses("admin-2", "/global", "/global"), [200, 429]);
      assert.deepEqual(await statuses("admin-2", "/more", "/more", "/more", "/more"), [200, 200, 200, 429]);
    }));

  it("counts a request once, however long Mixer takes", async () => {
    process.kill(policy.pid, "SIGSTOP");
    const slow = ask("/one", "fay");
    await sleep(1_000);
    process.kill(policy.pid, "SIGCONT");
    assert.equal((await slow).status, 200);
    assert.deepEqual(await statuses("fay", "/one", "/one"), [200, 429]);
  });

  it("is not passed by requests that say they are one and the same", async () => {
    const same = { "x-request-id": "5c0f6f5e-5d4e-4a3c-9b1f-000000000000" };
    const found: number[] = [];
    for (let i = 0; i < 3; i++) found.push((await ask("/one", "eve", same)).status);
    assert.deepEqual(found, [200, 200, 429]);
  });
});
