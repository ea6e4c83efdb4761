import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readYaml } from "@xebec/core-yaml";
import { Ajv, type ValidateFunction } from "ajv";
import { PROFILES } from "./control-plane.ts";
import { CHARTS, chartSchema } from "./generated-files.ts";
import { withHints } from "./istio-values.ts";
import { valuesSchema } from "./values-schema.ts";

const ROOT = join(import.meta.dirname, "..");
const ajv = new Ajv({ strict: false, allErrors: true });
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const validators = new Map<string, ValidateFunction>();

/** What the schema of a chart says of values: `/pilot: must NOT have additional properties`. */
function errors(chart: string, values: unknown): string[] {
  const validate = validators.get(chart) ?? ajv.compile(chartSchema(chart, read) as object);
  validators.set(chart, validate);
  return validate(values) ? [] : (validate.errors ?? []).map((each) => `${each.instancePath}: ${each.message}`);
}

const nested = (path: string, value: unknown): unknown =>
  path.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);

describe("the schemas of the charts' values", () => {
  for (const chart of Object.keys(CHARTS))
    it(`take the defaults of ${chart}`, () =>
      assert.deepEqual(errors(chart, readYaml(read(`${chart}/values.yaml`))), []));

  for (const profile of PROFILES.filter((each) => each !== "default"))
    it(`take the profile ${profile}, whose keys are the user's`, () =>
      assert.deepEqual(errors("control-plane", readYaml(read(`control-plane/profiles/${profile}.yaml`))), []));

  for (const [path, value] of [
    ["pilot.replicacount", 1],
    ["pilot.options.grpcadr", ":1"],
    ["pilot.options.stateDir", "/x"],
    ["pilot.options.http10", "yes"],
    ["pilot.options.jwtEnableRemoteJwks", "never"],
    ["pilot.replicaCount", "two"],
    ["mixer.telemetry.loadshedding.mode", "sometimes"],
    ["global.proxy.acessLogFile", "/dev/stdout"],
    ["meshConfig.defaultConfig.proxyMetdata", {}],
    ["profile", "dmo"],
    ["unknown", {}],
  ] as const)
    it(`refuse ${path}: ${JSON.stringify(value)}`, () =>
      assert.notDeepEqual(errors("control-plane", nested(path, value)), []));

  for (const [path, value] of [
    ["pilot.options.http10", true],
    ["pilot.env", { PILOT_PUSH_THROTTLE: 100 }],
    ["mixer.policy.options.handlerNetworks", ["10.0.0.0/8"]],
    ["meshConfig", { accessLogFile: "/dev/stdout", defaultConfig: { proxyMetadata: { A: "b" } } }],
    ["galley.resources", { limits: { cpu: 1 } }],
    ["mixer.adapters", { useAdapterCRDs: false, prometheus: { metricsExpiryDuration: "5m" } }],
    ["global", { useMCP: true, podDNSSearchNamespaces: ["global"], proxy: { privileged: true } }],
    // The chart says what to write instead.
    ["global.sds", { enabled: true }],
    ["mixer.policy.podAntiAffinityLabelSelector", []],
  ] as const)
    it(`take ${path}: ${JSON.stringify(value)}`, () =>
      assert.deepEqual(errors("control-plane", nested(path, value)), []));

  it("describe every value by the comment above it", () => {
    const schema = valuesSchema("# What it is.\n# And more.\na: 1\nb:\n  # The inner one.\n  c: x\n", "t", {});
    assert.equal(schema.properties?.a?.description, "What it is. And more.");
    assert.equal(schema.properties?.b?.properties?.c?.description, "The inner one.");
  });

  it("refuse a hint for a value that the chart takes", () => {
    const schema = valuesSchema("a:\n  b: 1\n", "t", {});
    assert.throws(() => withHints(schema, "a.b: write c\n"), /the chart takes b/);
    assert.equal(withHints(schema, "a.c: write b\n").properties?.a?.properties?.c?.description, "Not taken: write b.");
  });

  it("name only values that there are", () =>
    assert.throws(() => valuesSchema("a: 1\n", "t", { b: {} }), /no b, which a schema is given for/));
});
