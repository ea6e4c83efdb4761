import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { field, message, readProtoJson, string, unsupported } from "@xebec/model-schema";
import { Ajv } from "ajv";
import { checkSpec, pairs, specOf } from "../check-spec.testkit.ts";
import { istioKinds } from "../istio-crds.testkit.ts";
import type { Kind } from "../kind.ts";
import { KINDS, kindOf } from "../kinds.ts";
import { allCrds, type Crd, crdOf } from "./crd.ts";
import { structuralErrors } from "./structural-rules.testkit.ts";

const specSchema = (crd: Crd): object => crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.spec ?? {};

describe("the CustomResourceDefinition", () => {
  for (const crd of allCrds()) {
    const { names, group, versions } = crd.spec;
    it(`of ${names.kind} is structural, by the rules of Kubernetes`, () => {
      assert.equal(crd.metadata.name, `${names.plural}.${group}`);
      for (const name of [names.plural, names.singular, ...(names.shortNames ?? [])])
        assert.match(name, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
      assert.equal(versions.filter(({ storage }) => storage).length, 1);
      for (const { name, schema } of versions) {
        assert.match(name, /^v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$/);
        assert.deepEqual(structuralErrors(schema.openAPIV3Schema), []);
      }
    });
  }

  it("is known by other names than any other of its group", () => {
    const names = allCrds().flatMap(({ spec: { group, names } }) =>
      [names.plural, ...new Set([names.singular, ...(names.shortNames ?? [])])].map((each) => `${group}/${each}`),
    );
    assert.deepEqual(
      names.filter((each, i) => names.indexOf(each) !== i),
      [],
    );
  });

  it("has every version that Istio's has", () => {
    for (const { group, kind, version } of istioKinds()) {
      const own = kindOf(group, kind);
      if (own)
        assert.ok(
          crdOf(own).spec.versions.some(({ name }) => name === version),
          `${kind} ${version}`,
        );
    }
  });

  it("shows the columns that Istio's shows", () => {
    const columns = (kind: string): string[] =>
      allCrds()
        .filter((crd) => crd.spec.names.kind === kind)
        .flatMap((crd) => crd.spec.versions[0]?.additionalPrinterColumns ?? [])
        .map((each) => (each as { name: string }).name);
    assert.deepEqual(columns("VirtualService"), ["Gateways", "Hosts", "Age"]);
    assert.deepEqual(columns("DestinationRule"), ["Host", "Age"]);
    assert.deepEqual(columns("ServiceEntry"), ["Hosts", "Location", "Resolution", "Age"]);
    assert.deepEqual(columns("PeerAuthentication"), ["Mode", "Age"]);
    assert.deepEqual(columns("WorkloadEntry"), ["Address", "Age"]);
    assert.deepEqual(columns("ServiceRoleBinding"), ["Reference", "Age"]);
    assert.deepEqual(columns("logentry"), ["Severity", "Timestamp", "Res Type", "Age"]);
  });
});

describe("the schema of a CustomResourceDefinition", () => {
  const ajv = new Ajv({ strict: false, allErrors: true, formats: { int32: true, int64: true, byte: true } });
  const validators = new Map(KINDS.map((kind) => [kind, ajv.compile(specSchema(crdOf(kind)))]));

  for (const { kind, path, lines } of pairs())
    it(`takes what we take: ${path.split("/kinds/")[1]}`, () => {
      for (const line of lines) {
        const spec = specOf(line);
        if (spec === undefined || !/^(ok|warning)/.test(checkSpec(kind, spec))) continue;
        const validate = validators.get(kind);
        // The API server stores what is written in the usual form only.
        validate?.(readProtoJson(kind.schema, spec).value);
        assert.deepEqual(validate?.errors ?? [], [], line);
      }
    });

  it("refuses what has another form", () => {
    const refuses = (name: string, spec: object): void => {
      const kind = KINDS.find((each) => each.kind === name);
      assert.ok(kind && validators.get(kind)?.(spec) === false, JSON.stringify(spec));
    };
    // That a field is missing is said by the webhook, which knows whether it is misspelt.
    const rule = KINDS.find(({ kind }) => kind === "DestinationRule");
    assert.ok(rule && validators.get(rule)?.({ hots: "a" }));
    refuses("DestinationRule", { host: 1 });
    refuses("DestinationRule", { host: "a", trafficPolicy: { loadBalancer: { simple: "FASTEST" } } });
    refuses("VirtualService", { hosts: ["a"], http: [{ retries: { attempts: "3" } }] });
    refuses("Gateway", { servers: [] });
    refuses("ServiceEntry", { hosts: ["a"], ports: [{ number: 0, name: "a" }] });
    refuses("PeerAuthentication", { portLevelMtls: { 80: { mode: 1 } } });
  });

  it("keeps what is not supported, so that the webhook can refuse it", () => {
    const schema = message("Later", { now: field(string(), "A field.") }, { unsupported: unsupported("later") });
    const spec = specSchema(crdOf({ ...(KINDS[0] as Kind), schema })) as { properties: Record<string, object> };
    assert.deepEqual(spec.properties.later, {
      description: "It is not supported by this version.",
      "x-kubernetes-preserve-unknown-fields": true,
    });
  });
});
