import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readProtoJson, violationText } from "@xebec/model-schema";
import { ISTIO_GROUPS, KINDS, kindOf, unsupportedKindOf } from "./index.ts";

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly patternProperties?: Readonly<Record<string, Node>>;
}

/** An object that has a field at a path and nothing else, with the lists and maps that the schema has on the way. */
function objectWith(schema: Node | undefined, path: readonly string[]): unknown {
  if (schema?.items) return [objectWith(schema.items, path)];
  const [name, ...rest] = path;
  if (name === undefined) return {};
  if (name === "*") return { 80: objectWith(Object.values(schema?.patternProperties ?? {})[0], rest) };
  return { [name]: rest.length === 0 ? null : objectWith(schema?.properties?.[name], rest) };
}

test("no field that Istio has is called unknown", () => {
  const lines = readFileSync(join(import.meta.dirname, "../testdata/istio-fields.txt"), "utf8")
    .trim()
    .split("\n");
  let count = 0;
  for (const line of lines.filter((each) => !each.startsWith("#"))) {
    const [, kind = "", parent = "", names = ""] = /^(\w+) (\S+): (.*)$/.exec(line) ?? [];
    const schema = KINDS.find((each) => each.kind === kind)?.schema;
    assert.ok(schema, line);
    for (const name of names.split(" ")) {
      const path = [...(parent === "-" ? [] : parent.split(".")), name];
      const { violations } = readProtoJson(schema, objectWith(schema as Node, path));
      const unknown = violations
        .map(violationText)
        .filter((each) => /unknown field|not a valid key|must be a (map|list)/.test(each));
      assert.deepEqual(unknown, [], `${kind} ${path.join(".")}`);
      count++;
    }
  }
  assert.ok(count > 200, `${count} fields`);
});

test("what is not supported is reported as that, with what to write instead, and the rest keeps its guesses", () => {
  const reported = (kind: string, spec: unknown): string[] => {
    const schema = KINDS.find((each) => each.kind === kind)?.schema;
    assert.ok(schema);
    return readProtoJson(schema, spec, ["spec"]).violations.map(violationText);
  };
  const rule = (more: object): unknown => ({
    hosts: ["h"],
    http: [{ route: [{ destination: { host: "h" } }], ...more }],
  });
  const not = "is not supported by this version";
  assert.deepEqual(reported("VirtualService", rule({ fault: { delay: { exponential_delay: "1s" } } })), [
    `spec.http[0].fault.delay.exponential_delay: ${not}; Istio does not have it either; write fixedDelay`,
  ]);
  assert.deepEqual(reported("VirtualService", rule({ delegat: {} })), [
    "spec.http[0].delegat: unknown field; did you mean delegate?",
  ]);
  assert.deepEqual(reported("VirtualService", rule({ timout: "1s" })), [
    "spec.http[0].timout: unknown field; did you mean timeout?",
  ]);
});

test("every kind of Istio's is supported or known as unsupported", () => {
  for (const [group, names] of [
    [
      "networking.istio.io",
      "VirtualService DestinationRule Gateway ServiceEntry Sidecar EnvoyFilter WorkloadEntry WorkloadGroup ProxyConfig",
    ],
    ["security.istio.io", "AuthorizationPolicy PeerAuthentication RequestAuthentication"],
    ["telemetry.istio.io", "Telemetry"],
    ["extensions.istio.io", "WasmPlugin TrafficExtension"],
    ["install.istio.io", "IstioOperator"],
    ["authentication.istio.io", "Policy MeshPolicy"],
    ["rbac.istio.io", "RbacConfig ClusterRbacConfig ServiceRole ServiceRoleBinding AuthorizationPolicy"],
    [
      "config.istio.io",
      `rule attributemanifest handler instance adapter template HTTPAPISpec HTTPAPISpecBinding QuotaSpec QuotaSpecBinding
       apikey authorization checknothing kubernetes listentry logentry edge metric quota reportnothing tracespan bypass
       circonus cloudwatch denier dogstatsd fluentd kubernetesenv listchecker memquota noop opa prometheus rbac redisquota
       signalfx solarwinds stackdriver statsd stdio zipkin`,
    ],
  ] as const) {
    assert.ok(ISTIO_GROUPS.includes(group), group);
    for (const kind of names.split(/\s+/)) {
      const supported = kindOf(group, kind) !== undefined;
      assert.notEqual(supported, unsupportedKindOf(group, kind) !== undefined, `${group} ${kind}`);
    }
  }
});
