import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseManifests, readManifests } from "./parse-manifests.ts";

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, command: [web] }] }
`;

test("objects of all kinds that run here are read, and others are ignored", () => {
  const { objects, errors } = parseManifests(`${DEPLOYMENT}---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Namespace, metadata: { name: shop, labels: { istio-injection: enabled } } }
  - apiVersion: v1
    kind: Service
    metadata: { name: web }
    spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: web }, { port: 53, protocol: UDP }] }
  - { apiVersion: v1, kind: Secret, metadata: { name: s }, data: { a: aGk= }, stringData: { b: plain } }
  - { apiVersion: networking.istio.io/v1, kind: Gateway, metadata: { name: g } }
`);
  assert.deepEqual(errors, []);
  assert.deepEqual(
    objects.map((each) => `${each.kind} ${each.metadata.namespace}/${each.metadata.name}`),
    ["Deployment shop/web", "Namespace default/shop", "Service default/web", "Secret default/s"],
  );
  const [deployment, , service, secret] = objects;
  assert.ok(deployment?.kind === "Deployment" && service?.kind === "Service" && secret?.kind === "Secret");
  assert.equal(deployment.replicas, 2);
  assert.deepEqual(service.ports, [
    { name: "http", port: 80, targetPort: "web", protocol: "TCP" },
    { name: "", port: 53, targetPort: 53, protocol: "UDP" },
  ]);
  assert.deepEqual(secret.data, { a: "hi", b: "plain" });
});

test("an error is reported with the line of its object, and does not disturb its neighbours", () => {
  const { objects, errors } = parseManifests(`# a comment
apiVersion: apps/v1
kind: Deployment
metadata: { name: many }
spec: { replicas: 51, template: { spec: { containers: [{ name: a }] } } }
---
apiVersion: v1
kind: Service
metadata: { name: Bad_Name }
---
apiVersion: v1
kind: Service
metadata: { name: ports }
spec: { ports: [{ port: 0 }] }
---
${DEPLOYMENT}`);
  assert.equal(objects.length, 1);
  assert.deepEqual(
    errors.map((error) => [error.line, error.message]),
    [
      [2, "Deployment default/many: spec.replicas must be a whole number from 0 to 50"],
      [7, 'Service: metadata.name "Bad_Name" is not an object name'],
      [11, "Service default/ports: spec.ports[0].port must be a number from 1 to 65535"],
    ],
  );
});

test("no text makes it throw", () => {
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), (text, value) => {
      parseManifests(text);
      parseManifests(
        JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "a" }, spec: value }),
      );
      parseManifests(JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: value, spec: value }));
    }),
  );
});

test("a long file is read in slices, and annotations have Kubernetes' limit", async () => {
  const service = (i: number): string =>
    `apiVersion: v1\nkind: Service\nmetadata: {name: s${i}}\nspec: {ports: [{port: 80}]}\n`;
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const { objects, errors } = await readManifests(Array.from({ length: 3_000 }, (_, i) => service(i)).join("---\n"));
  clearInterval(timer);
  assert.deepEqual([objects.length, errors.length], [3_000, 0]);
  assert.ok(turns > 3, `${turns} turns`);
  const large = service(1).replace("name: s1", `name: s1, annotations: {a: ${"x".repeat(262_144)}}`);
  assert.match(parseManifests(large).errors[0]?.message ?? "", /Service s1: metadata\.annotations have 262145 bytes/);
});

test("aliases that would multiply are an error, not an endless file", () => {
  const levels = [
    "a: &a [x]",
    ...[..."bcdefgh"].map((each, i) => `${each}: &${each} [${`*${"abcdefgh"[i]},`.repeat(9)}]`),
  ];
  const { errors } = parseManifests(levels.join("\n"));
  assert.equal(errors.length, 1);
  assert.match(errors[0]?.message ?? "", /alias/i);
});
