import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import { escapeLine } from "@xebec/core-log";
import { type EncodedResource, resourceSet, TYPE_URL, type XdsType } from "@xebec/pilot-xds-gen";
import fc from "fast-check";
import { replaced } from "../subscription/derived-sets.ts";
import { hasInitialVersions, initialVersionsSet } from "../subscription/initial-versions.ts";
import { NameSets } from "../subscription/name-sets.ts";
import { quarantineRejected, releaseSuspected, withoutQuarantined } from "../subscription/quarantine.ts";
import { Subscription } from "../subscription/subscription.ts";
import { MessageCache } from "../wire/message.ts";
import { readDeltaRequest, readRequest } from "../wire/request.ts";
import { deltaResponse, discoveryResponse } from "../wire/response.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const resource = (name: string, version = "1", size = 1): EncodedResource => ({
  ...{ name, version, bytes: new Uint8Array(size).fill(7), configKeys: [] },
});

/** A client's error as logs and conditions show it: on one line, and without characters that steer a terminal. */
const shownMessage = (message: string): string => escapeLine(message.replace(/[\r\n\t]+/g, " "));

describe("a discovery request", () => {
  const known = fc.record({
    typeUrl: text,
    responseNonce: text,
    node: fc.record({ id: text, metadata: fc.dictionary(text, text) }),
    errorDetail: fc.option(fc.record({ code: fc.nat(16), message: text }), { nil: undefined }),
  });

  it("is read as protobuf's own reader reads it, state of the world", () => {
    fc.assert(
      fc.property(known, fc.array(text), ({ errorDetail, ...each }, resourceNames) => {
        const message = { ...each, resourceNames, ...(errorDetail ? { errorDetail } : {}) };
        const bytes = Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, message)));
        const { typeUrl, nonce, node, error, names } = readRequest(bytes);
        assert.deepEqual(
          { typeUrl, nonce, id: node?.id, metadata: { ...node?.metadata }, error, names: names() },
          {
            ...{ typeUrl: each.typeUrl, nonce: each.responseNonce, id: each.node.id },
            ...{
              metadata: { ...each.node.metadata },
              error: errorDetail && { ...errorDetail, message: shownMessage(errorDetail.message) },
              names: resourceNames,
            },
          },
        );
      }),
    );
  });

  it("is read the same when its names, or some of them, are known from an earlier one", () => {
    fc.assert(
      fc.property(known, fc.array(text), fc.array(text), (each, before, more) => {
        const bytesOf = (resourceNames: string[], typeUrl = ""): Buffer =>
          Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { resourceNames, typeUrl })));
        const earlier = readRequest(bytesOf(before)).nameBytes;
        const request = bytesOf([...before, ...more], each.typeUrl);
        const read = readRequest(request, (bytes, at) =>
          bytes.subarray(at, at + earlier.length).equals(earlier) ? earlier.length : 0,
        );
        const plain = readRequest(request);
        assert.deepEqual(
          [read.typeUrl, read.names(), Buffer.from(read.nameBytes)],
          [each.typeUrl, [...before, ...more], Buffer.from(plain.nameBytes)],
        );
      }),
    );
  });

  it("has the same name bytes wherever its names stand", () => {
    const name = (text: string): Buffer => Buffer.from([0x1a, text.length, ...Buffer.from(text)]);
    const type = Buffer.from([0x22, 1, 0x74]);
    const apart = readRequest(Buffer.concat([name("a"), type, name("b")]));
    const together = readRequest(Buffer.concat([name("a"), name("b"), type]));
    assert.deepEqual(Buffer.from(apart.nameBytes), Buffer.from(together.nameBytes));
    assert.deepEqual([apart.typeUrl, apart.names()], ["t", ["a", "b"]]);
  });

  it("is read as protobuf's own reader reads it, Delta", () => {
    const names = fc.array(text);
    fc.assert(
      fc.property(known, names, names, fc.dictionary(text, text), (each, subscribe, unsubscribe, versions) => {
        const message = create(DeltaDiscoveryRequestSchema, {
          ...{ typeUrl: each.typeUrl, responseNonce: each.responseNonce, initialResourceVersions: versions },
          ...{ resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe },
        });
        const read = readDeltaRequest(Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message)));
        assert.deepEqual([read.subscribe, read.unsubscribe], [subscribe, unsubscribe]);
        assert.deepEqual([...read.initialVersions].sort(), Object.entries(versions).sort());
        assert.equal(read.nonce, each.responseNonce);
      }),
    );
  });

  it("is refused or read whatever its bytes are, and never fails otherwise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const read of [readRequest, readDeltaRequest])
          try {
            read(Buffer.from(bytes)).names();
          } catch (error) {
            assert.equal((error as { code?: string }).code, "invalid_argument", String(error));
          }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("a discovery response", () => {
  const types = fc.constantFrom<XdsType>("cluster", "endpoint", "listener", "route");
  const list = fc.array(
    fc.record({ name: text, version: fc.stringMatching(/^[0-9a-f]{0,16}$/), bytes: fc.uint8Array({ maxLength: 300 }) }),
    { maxLength: 5 },
  );
  const nonce = fc.stringMatching(/^[0-9a-f-]{0,40}$/);

  it("is what protobuf's own writer would write, in both forms", () => {
    fc.assert(
      fc.property(types, list, nonce, fc.array(text), (type, parts, mark, removed) => {
        const resources = parts.map((each) => ({ ...each, configKeys: [] }));
        const anys = resources.map((each) => ({ typeUrl: TYPE_URL[type], value: each.bytes }));
        const whole = fromBinary(DiscoveryResponseSchema, discoveryResponse(type, resources, "v1", mark).bytes());
        assert.deepEqual([whole.versionInfo, whole.typeUrl, whole.nonce], ["v1", TYPE_URL[type], mark]);
        const plain = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString("hex");
        assert.deepEqual(
          whole.resources.map((each) => [each.typeUrl, plain(each.value)]),
          anys.map((each) => [each.typeUrl, plain(each.value)]),
        );
        const delta = fromBinary(
          DeltaDiscoveryResponseSchema,
          deltaResponse(type, resources, removed, "v1", mark).bytes(),
        );
        assert.deepEqual([delta.nonce, delta.removedResources], [mark, removed]);
        assert.deepEqual(
          delta.resources.map((each) => [each.name, each.version, plain(each.resource?.value)]),
          resources.map((each) => [each.name, each.version, plain(each.bytes)]),
        );
      }),
    );
  });
});

describe("sets of names", () => {
  it("are one object for the same names, in any order and however often", () => {
    const sets = new NameSets();
    fc.assert(
      fc.property(fc.array(text), fc.array(text), (a, b) => {
        const same = JSON.stringify([...new Set(a)].sort()) === JSON.stringify([...new Set(b)].sort());
        assert.equal(sets.of(a) === sets.of(b), same);
        assert.equal(sets.of([...a, ...a].reverse()), sets.of(a));
      }),
    );
  });

  it("are two for names that only look alike when they are joined", () => {
    const sets = new NameSets();
    const lists = [[], [""], ["a\nb"], ["a", "b"], ["a,b"], ['a","b']].map((names) => sets.of(names));
    assert.equal(new Set(lists).size, lists.length);
    assert.equal(new Set(lists.map((each) => each.key)).size, lists.length);
  });

  it("of equal bytes are read once", () => {
    const sets = new NameSets();
    let read = 0;
    const names = (): string[] => {
      read++;
      return ["a"];
    };
    const first = sets.ofBytes(Buffer.from("x"), names);
    assert.equal(sets.ofBytes(Buffer.from("x"), names), first);
    assert.equal(read, 1);
    assert.equal(sets.ofBytes(Buffer.from("y"), names).set, first.set);
  });
});

describe("what a client refuses", () => {
  function refused(names: readonly string[], message: string): { sub: Subscription; guilty: string[] } {
    const sub = new Subscription("cluster");
    sub.sent = resourceSet(names.map((name) => resource(name)));
    return { sub, guilty: quarantineRejected(sub, message).map((each) => each.name) };
  }

  const NAMES = ["80", "9080", "http.80", "outbound|80||a.b", "outbound|80||a", "0.0.0.0_80"];
  for (const [message, guilty] of [
    ["Error adding/updating cluster(s) outbound|80||a: bad", ["outbound|80||a"]],
    [
      "Error adding/updating cluster(s) outbound|80||a: bad, outbound|80||a.b: worse",
      ["outbound|80||a", "outbound|80||a.b"],
    ],
    ["outbound|80||a.b is bad.", ["outbound|80||a.b"]],
    ["route table 9080: unknown cluster 'outbound|80||x'", ["9080"]],
    ["listener '0.0.0.0_80' is bad", ["0.0.0.0_80"]],
    ["(http.80) and 80", ["80", "http.80"]],
    ["the table is 80.", ["80"]],
    ["Only unique values for domains. Duplicate entry of domain a.example.com:80 in route 9080", ["9080"]],
    ["route 9080: port 80 is taken, and 80 ms are too few", ["9080"]],
  ] as const)
    it(`is named by: ${message}`, () => assert.deepEqual(refused(NAMES, message).guilty.sort(), [...guilty]));

  it("is the only thing that was new, when nothing is named", () => {
    assert.deepEqual(refused(["a"], "no").guilty, ["a"]);
  });

  it("is found among any number in a few steps, when nothing is ever named, also when it is several", () => {
    const culprits = fc.uniqueArray(fc.nat(39), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), culprits, (count, dice) => {
        const names = Array.from({ length: count }, (_, i) => `r${i}`);
        const bad = new Set(dice.map((each) => names[each % count]));
        const target = resourceSet(names.map((name) => resource(name)));
        const sub = new Subscription("cluster");
        let steps = 0;
        // The client takes whatever is without a bad one, and says nothing of use otherwise.
        for (; steps === 0 || withoutQuarantined(sub, target).version !== sub.sent.version; steps++) {
          assert.ok(steps <= 12 * (bad.size + 1), `${steps} steps for ${bad.size} of ${count}`);
          sub.sent = withoutQuarantined(sub, target);
          if ([...sub.sent.resources.keys()].some((name) => bad.has(name))) {
            quarantineRejected(sub, "no");
            sub.sent = sub.acked;
          } else {
            sub.acked = sub.sent;
            releaseSuspected(sub);
          }
        }
        assert.deepEqual(
          [...sub.acked.resources.keys()],
          names.filter((name) => !bad.has(name)),
        );
        assert.deepEqual(new Set(sub.quarantine.keys()), bad);
        for (const held of sub.quarantine.values()) assert.equal(held.confirmed, true);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is tried again in another version, and served in the last good one until then", () => {
    const sub = new Subscription("cluster");
    sub.acked = resourceSet([resource("a", "good")]);
    sub.sent = resourceSet([resource("a", "bad")]);
    quarantineRejected(sub, "a: no");
    const versionOf = (version: string): string | undefined =>
      withoutQuarantined(sub, resourceSet([resource("a", version)])).resources.get("a")?.version;
    assert.equal(versionOf("bad"), "good");
    assert.equal(versionOf("mended"), "mended");
  });
});

describe("sets that differ from a target", () => {
  const target = resourceSet([resource("a"), resource("b")]);

  it("are one for all that differ alike", () => {
    const one = replaced(target, [["a", resource("a", "old")]]);
    assert.equal(replaced(target, [["a", resource("a", "old")]]), one);
    assert.deepEqual([...one.resources.values()].map((each) => each.version).sort(), ["1", "old"]);
    assert.deepEqual([...replaced(target, [["a", undefined]]).resources.keys()], ["b"]);
    assert.equal(replaced(target, []), target);
  });

  it("are nobody else's when they hold what a client claims", () => {
    const claim = initialVersionsSet(new Map([["a", "old"]]), new Set()).resources.get("a");
    const claimed = replaced(target, [["a", claim]]);
    assert.ok(hasInitialVersions(claimed));
    assert.notEqual(replaced(target, [["a", resource("a", "old")]]), claimed);
  });
});

describe("messages that are kept", () => {
  it("are the last ones that were used, up to a limit", () => {
    const cache = new MessageCache();
    for (let i = 0; i < 20; i++) {
      cache.put(`${i}`, Buffer.alloc(1 << 20));
      cache.get("0");
    }
    assert.equal(cache.bytes, 8 << 20);
    assert.ok(cache.get("0") && cache.get("19"));
    assert.equal(cache.get("1"), undefined);
    cache.put("large", Buffer.alloc(20 << 20));
    assert.ok(cache.get("large"));
    assert.equal(cache.bytes, 20 << 20);
  });
});
