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
import { TYPE_URL } from "@xebec/pilot-xds-gen";
import fc from "fast-check";
import { MessageCache } from "./message.ts";
import { readDeltaRequest, readRequest } from "./request.ts";
import { deltaResponse, discoveryResponse } from "./response.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });

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
        assert.deepEqual([read.subscribe(), read.unsubscribe], [subscribe, unsubscribe]);
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
  const types = fc.constantFrom(...Object.values(TYPE_URL));
  const list = fc.array(
    fc.record({ name: text, version: fc.stringMatching(/^[0-9a-f]{0,16}$/), bytes: fc.uint8Array({ maxLength: 300 }) }),
    { maxLength: 5 },
  );
  const nonce = fc.stringMatching(/^[0-9a-f-]{0,40}$/);

  it("is what protobuf's own writer would write, in both forms", () => {
    fc.assert(
      fc.property(types, list, nonce, fc.array(text), (typeUrl, parts, mark, removed) => {
        const resources = parts.map((each) => ({ ...each, configKeys: [] }));
        const anys = resources.map((each) => ({ typeUrl, value: each.bytes }));
        const whole = fromBinary(DiscoveryResponseSchema, discoveryResponse(typeUrl, resources, "v1", mark).bytes());
        assert.deepEqual([whole.versionInfo, whole.typeUrl, whole.nonce], ["v1", typeUrl, mark]);
        const plain = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString("hex");
        assert.deepEqual(
          whole.resources.map((each) => [each.typeUrl, plain(each.value)]),
          anys.map((each) => [each.typeUrl, plain(each.value)]),
        );
        const delta = fromBinary(
          DeltaDiscoveryResponseSchema,
          deltaResponse(typeUrl, resources, removed, "v1", mark).bytes(),
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
