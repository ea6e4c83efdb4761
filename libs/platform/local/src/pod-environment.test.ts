import assert from "node:assert/strict";
import { test } from "node:test";
import { containerEnvironment, expand, fieldValue, type PodFacts } from "./pod-environment.ts";

const FACTS: PodFacts = {
  name: "web-1",
  namespace: "shop",
  uid: "u-1",
  ip: "127.60.1.10",
  node: "localhost",
  serviceAccount: "web",
  labels: { app: "web" },
  annotations: { note: 'a "b"' },
  data: (kind, name) =>
    kind === "ConfigMap" && name === "settings"
      ? { kind, metadata: { name, namespace: "shop", labels: {}, annotations: {} }, data: { level: "9" } }
      : undefined,
};

test("values, fields and keys become the environment; later entries see the earlier ones", () => {
  const env = containerEnvironment(
    {
      name: "web",
      env: [
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "URL", value: "http://$(IP):80/$$(IP)/$(UNKNOWN)" },
        { name: "LEVEL", valueFrom: { configMapKeyRef: { name: "settings", key: "level" } } },
        { name: "NONE", valueFrom: { secretKeyRef: { name: "gone", key: "a", optional: true } } },
        { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      ],
    },
    FACTS,
  );
  assert.deepEqual(env, {
    IP: "127.60.1.10",
    URL: "http://127.60.1.10:80/$(IP)/$(UNKNOWN)",
    LEVEL: "9",
    APP: "web",
  });
});

test("a reference that leads nowhere says so", () => {
  const missing = { name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "colour" } } };
  assert.throws(() => containerEnvironment({ name: "web", env: [missing] }, FACTS), {
    code: "not_found",
    message: "env A: ConfigMap settings has no key colour",
  });
  assert.throws(() => fieldValue("spec.hostname", FACTS), { code: "invalid_argument" });
});

test("labels and annotations are written as the downward API writes them", () => {
  assert.equal(fieldValue("metadata.annotations", FACTS), 'note="a \\"b\\""');
  assert.equal(expand("$(A)$(B)", { A: "1" }), "1$(B)");
});
