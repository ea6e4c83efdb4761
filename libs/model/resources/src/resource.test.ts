import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Condition, decodeCondition, encodeCondition, statusKey } from "./condition.ts";
import { findKind, KINDS, kindOf } from "./kinds.ts";
import { collectionOf, decodeResource, encodeResource, keyOf, parseKey, type Resource } from "./resource.ts";

const part = fc.stringMatching(/^[a-z0-9.-]{1,12}$/);

describe("the key of an object", () => {
  it("is read as it was written, also without group or namespace", () => {
    const optional = fc.oneof(fc.constant(""), part);
    fc.assert(
      fc.property(optional, part, optional, part, (group, kind, namespace, name) => {
        const object = { group, kind, namespace, name };
        assert.deepEqual(parseKey(keyOf(object)), object);
        assert.ok(keyOf(object).startsWith(`${collectionOf(object)}/`));
      }),
    );
  });
  for (const text of ["", "a", "a/b/c", "a/b/c/d/e"])
    it(`is not "${text}"`, () => assert.throws(() => parseKey(text), { code: "invalid_argument" }));
});

describe("what is on the bus", () => {
  const resource: Resource = {
    ...{ group: "networking.istio.io", version: "v1", kind: "VirtualService", namespace: "default", name: "é" },
    ...{ labels: { a: "1" }, origin: { source: "a.yaml", line: 3 }, spec: { hosts: ["x"] } },
  };
  const condition: Condition = {
    ...{ object: keyOf(resource), controller: "pilot", type: "Reconciled", status: "False", reason: "ProxyRejected" },
    ...{ message: "“no”", observedGeneration: 2, lastTransitionTime: "2026-01-01T00:00:00Z" },
    lastUpdateTime: "2026-01-01T00:00:00Z",
  };
  it("is read as it was written, also from the middle of a buffer", () => {
    assert.deepEqual(decodeResource(encodeResource(resource)), resource);
    assert.deepEqual(decodeCondition(encodeCondition(condition)), condition);
    const bytes = encodeResource(resource);
    const shared = new Uint8Array(bytes.length + 4);
    shared.set(bytes, 2);
    assert.deepEqual(decodeResource(shared.subarray(2, -2)), resource);
    assert.equal(statusKey(condition), "pilot/networking.istio.io/VirtualService/default/é");
  });

  for (const text of [
    "",
    "{",
    "null",
    "7",
    '"x"',
    "[]",
    "{}",
    '{"kind":"a"}',
    '{"kind":1,"name":"a","spec":{}}',
    '{"object":"a"}',
  ])
    it(`is data loss when it is ${text || "empty"}`, () => {
      assert.throws(() => decodeResource(Buffer.from(text)), { code: "data_loss", message: /bucket `config`/ });
      assert.throws(() => decodeCondition(Buffer.from(text)), { code: "data_loss", message: /bucket `status`/ });
    });
});

describe("kinds", () => {
  it("are found by kind, plural and short name in any case", () => {
    for (const kind of KINDS) {
      assert.equal(kindOf(kind.group, kind.kind), kind);
      for (const name of [kind.kind, kind.plural, kind.plural.toUpperCase(), ...kind.shortNames])
        assert.equal(findKind(name)?.kind.toLowerCase(), kind.kind.toLowerCase(), name);
      assert.equal(findKind(`${kind.plural}.${kind.group}`), kind);
    }
    assert.equal(findKind("nothing"), undefined);
    assert.equal(kindOf("networking.istio.io", "Sidecars"), undefined);
  });

  it("have no name, plural or short name twice", () => {
    const collections = KINDS.map(({ group, kind }) => `${group}/${kind}`);
    assert.equal(new Set(collections).size, collections.length);
    const names = KINDS.flatMap((kind) => [...new Set([kind.kind.toLowerCase(), kind.plural, ...kind.shortNames])]);
    assert.deepEqual(
      names.filter((name, i) => names.indexOf(name) !== i),
      [],
    );
  });

  it("have Kubernetes' plurals", () => {
    const plurals = ["ServiceEntry", "PeerAuthentication", "listentry", "denier", "quota", "apikey", "prometheus"].map(
      (kind) => findKind(kind)?.plural,
    );
    assert.deepEqual(plurals, [
      "serviceentries",
      "peerauthentications",
      "listentries",
      "deniers",
      "quotas",
      "apikeys",
      "prometheuses",
    ]);
  });
});
