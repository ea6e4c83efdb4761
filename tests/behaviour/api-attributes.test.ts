import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type Child, startChild, tempDir } from "@xebec/testing-launch";
import { type Lab, openLab } from "./lab/lab.ts";

const POLICY = "10.9.0.1";

/** Istio's example of an HTTPAPISpec, with rules that go by its attributes. */
const API = `
apiVersion: config.istio.io/v1alpha2
kind: HTTPAPISpec
metadata: {name: petstore, namespace: default}
spec:
  attributes:
    attributes:
      api.service: {stringValue: petstore.swagger.io}
      api.version: {stringValue: 1.0.0}
  patterns:
  - {attributes: {attributes: {api.operation: {stringValue: findPetById}}}, httpMethod: GET, uriTemplate: "/api/pets/{id}"}
  - {attributes: {attributes: {api.operation: {stringValue: deletePet}}}, httpMethod: DELETE, uriTemplate: "/api/pets/{id}"}
  api_keys:
  - query: api-key
  - header: X-Pet-Key
  - cookie: pet
---
apiVersion: config.istio.io/v1alpha2
kind: HTTPAPISpecBinding
metadata: {name: petstore, namespace: default}
spec:
  services: [{name: web, namespace: default}]
  api_specs: [{name: petstore, namespace: default}]
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: deny, namespace: default}
spec: {compiledAdapter: denier, params: {status: {code: 7, message: no deletion}}}
---
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: keys, namespace: default}
spec: {compiledAdapter: listchecker, params: {overrides: [secret]}}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: nothing, namespace: default}
spec: {compiledTemplate: checknothing}
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: key, namespace: default}
spec: {compiledTemplate: listentry, params: {value: 'request.api_key | "none"'}}
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: no-deletion, namespace: default}
spec:
  match: api.operation == "deletePet" && api.version == "1.0.0"
  actions: [{handler: deny, instances: [nothing]}]
---
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: keys, namespace: default}
spec:
  match: api.service == "petstore.swagger.io"
  actions: [{handler: keys, instances: [key]}]
`;

describe("an HTTPAPISpec", () => {
  const folder = tempDir();
  let lab: Lab;
  let policy: Child;
  const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    lab.http({ to: "web", url: `http://web:9080${path}`, method, headers });
  const status = async (...of: Parameters<typeof ask>): Promise<number> => (await ask(...of)).status;

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
---${API}`,
      upstreams: [{ name: "web", at: "10.1.0.9:9080" }],
    });
    const rules = folder.file("rules");
    mkdirSync(rules);
    writeFileSync(join(rules, "rules.yaml"), API);
    const main = join(import.meta.dirname, "../../apps/mixer-policy/src/main.ts");
    const addresses = ["--address", `${POLICY}:9091`, "--secureAddr", "", "--monitoringAddress", POLICY];
    policy = startChild(
      ...lab.namespace.command(process.execPath, [main, `--configStoreURL=fs://${rules}`, ...addresses]),
    );
    await waitFor("Mixer is ready", 60_000, async () => {
      assert.ok(!policy.exited, policy.output());
      return (await lab.http({ at: `${POLICY}:15014`, url: `http://${POLICY}:15014/readyz` })).status === 200;
    });
  });
  after(async () => {
    await lab?.close();
    await policy?.stop();
    folder.remove();
  });

  it("gives attributes to the requests of its operations, and rules go by them", async () => {
    const key = { "x-pet-key": "secret" };
    const refused = await ask("/api/pets/3?x=1", key, "DELETE");
    assert.equal(refused.status, 403);
    assert.match(refused.body, /no deletion/);
    assert.equal(await status("/api/pets/3", key), 200);
    assert.equal(await status("/api/pets", key, "DELETE"), 200);
  });

  it("finds the API key in the query, a header or a cookie", async () => {
    assert.equal(await status("/api/pets/3"), 403);
    assert.equal(await status("/api/pets/3?api-key=secret"), 200);
    assert.equal(await status("/api/pets/3", { cookie: "a=b; pet=secret" }), 200);
    assert.equal(await status("/api/pets/3?api-key=wrong", { "x-pet-key": "secret" }), 403);
    assert.equal(await status("/other"), 200);
  });
});
