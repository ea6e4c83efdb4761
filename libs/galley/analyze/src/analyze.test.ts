import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readManifest } from "@xebec/core-yaml";
import { CASES } from "./cases.testkit.ts";
import { analyze, MESSAGE_TYPES } from "./index.ts";
import { type AnalyzedObject, fields, text, textMap } from "./object.ts";

const CLUSTER_KINDS = ["Namespace", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
/** Messages about what validation says of one object, which others report. */
const OF_VALIDATION = [
  "SchemaValidationError",
  "SchemaWarning",
  "VirtualServiceUnreachableRule",
  "VirtualServiceIneffectiveMatch",
];

function objectsOf(yaml: string): AnalyzedObject[] {
  return readManifest(yaml).objects.map(({ value, lineOf }) => {
    const metadata = fields(value.metadata);
    const apiVersion = text(value.apiVersion);
    return {
      group: apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.lastIndexOf("/")) : "",
      kind: text(value.kind),
      namespace: CLUSTER_KINDS.includes(text(value.kind)) ? "" : text(metadata.namespace) || "default",
      name: text(metadata.name),
      labels: textMap(metadata.labels),
      annotations: textMap(metadata.annotations),
      spec: fields(value.spec),
      value,
      file: "f.yaml",
      lineOf,
    };
  });
}

const found = (yaml: string, options = {}): string[] =>
  analyze(objectsOf(yaml), options).map(({ name, object }) => `${name} ${object.kind}/${object.name}`);

describe("analyzers", () => {
  for (const { name, analyzers, wrong, right } of CASES) {
    const only = (yaml: string): string[] =>
      found(yaml, analyzers && { analyzers }).filter((each) => each.startsWith(`${name} `));
    it(`${MESSAGE_TYPES[name][0]} ${name}`, () => {
      assert.ok(only(wrong).length > 0, `nothing found; others: ${found(wrong).join(", ")}`);
      assert.deepEqual(only(right), []);
    });
  }

  it("there is a case for each message that is not validation's", () => {
    const covered = new Set<string>(CASES.map(({ name }) => name));
    const missing = Object.keys(MESSAGE_TYPES).filter((name) => !covered.has(name) && !OF_VALIDATION.includes(name));
    assert.deepEqual(missing, []);
  });
});

describe("findings", () => {
  const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.example.com]
  gateways: [nobody]
  http: [{route: [{destination: {host: web.example.com}}]}]
`;
  const codes = (options: object, yaml = GATEWAY): string[] =>
    analyze(objectsOf(yaml), options).map(({ code }) => code);

  it("name the line of the field", () => {
    const lines = analyze(objectsOf(GATEWAY)).map(({ object, path }) => object.lineOf?.(path));
    assert.deepEqual(lines, [7, 8]);
  });

  it("are left out for other namespaces, by annotation, and by code and resource", () => {
    assert.deepEqual(codes({}), ["IST0101", "IST0101"]);
    assert.deepEqual(codes({ namespace: "default" }), []);
    assert.deepEqual(codes({ namespace: "shop" }).length, 2);
    assert.deepEqual(codes({ suppress: ["IST0101=VirtualService w*.shop"] }), []);
    assert.deepEqual(codes({ suppress: ["IST0101=VirtualService x*.shop"] }).length, 2);
    assert.deepEqual(codes({ suppress: ["IST0102=*"] }).length, 2);
    for (const value of ["IST0101", "IST0102,IST0101", "'*'"]) {
      const yaml = GATEWAY.replace(
        "shop}",
        `shop, annotations: {galley.istio.io/analyze-suppress: ${value.includes(",") ? `"${value}"` : value}}}`,
      );
      assert.deepEqual(codes({}, yaml), [], value);
    }
  });

  it("come only from the analyzers that are wanted", () => {
    assert.deepEqual(codes({ analyzers: ["virtualservice.GatewayAnalyzer"] }), ["IST0101"]);
  });

  it("survive objects of any form", () => {
    for (const value of [null, 1, "x", [], [null], { a: 1 }]) {
      const objects = objectsOf(GATEWAY).flatMap((each) =>
        [
          "VirtualService",
          "Gateway",
          "DestinationRule",
          "Service",
          "Deployment",
          "EnvoyFilter",
          "Telemetry",
          "Sidecar",
        ].flatMap((kind) =>
          ["hosts", "http", "servers", "subsets", "ports", "selector", "template", "configPatches"].map((field) => ({
            ...each,
            kind,
            group: kind === "Service" ? "" : kind === "Deployment" ? "apps" : each.group,
            spec: { [field]: value },
            value: { ...each.value, spec: { [field]: value } },
          })),
        ),
      );
      analyze(objects);
    }
  });
});
