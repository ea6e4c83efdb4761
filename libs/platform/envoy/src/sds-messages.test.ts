import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { SecretSchema } from "@xebec/api-envoy/envoy/extensions/transport_sockets/tls/v3/secret";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import {
  decodeDeltaRequest,
  decodeStateRequest,
  encodeDeltaResponse,
  encodeKeyPair,
  encodeRoots,
  encodeStateResponse,
  SECRET_TYPE,
} from "./sds-messages.ts";

const node = { id: "n", cluster: "c" };
const SECRETS = [
  { name: "default", version: "v1", value: encodeKeyPair("default", "chain ä", "key") },
  { name: "ROOTCA", version: "v2", value: encodeRoots("ROOTCA", "roots") },
];

test("requests are read as the schema has them", () => {
  const state = create(DiscoveryRequestSchema, {
    ...{ node, versionInfo: "1", resourceNames: ["default", "ä"], typeUrl: SECRET_TYPE, responseNonce: "7" },
    errorDetail: { code: 3, message: "bad key" },
  });
  assert.deepEqual(decodeStateRequest(toBinary(DiscoveryRequestSchema, state)), {
    ...{ resourceNames: ["default", "ä"], responseNonce: "7", error: "bad key" },
  });
  assert.deepEqual(decodeStateRequest(new Uint8Array()), { resourceNames: [], responseNonce: "", error: undefined });
  const delta = create(DeltaDiscoveryRequestSchema, {
    ...{ node, typeUrl: SECRET_TYPE, resourceNamesSubscribe: ["a", "b"], resourceNamesUnsubscribe: ["c"] },
    ...{ initialResourceVersions: { a: "1", b: "" }, responseNonce: "x", errorDetail: { message: "" } },
  });
  assert.deepEqual(decodeDeltaRequest(toBinary(DeltaDiscoveryRequestSchema, delta)), {
    ...{ subscribe: ["a", "b"], unsubscribe: ["c"], error: "" },
    initialVersions: new Map([
      ["a", "1"],
      ["b", ""],
    ]),
  });
  for (const broken of ["0a05", "0a", "07", "ff", "3205"])
    assert.throws(() => decodeStateRequest(Buffer.from(broken, "hex")), { code: "invalid_argument" }, broken);
});

test("responses and secrets are what the schema reads", () => {
  const secretOf = (value: Uint8Array) => fromBinary(SecretSchema, value).type;
  const pair = secretOf(SECRETS[0]?.value ?? new Uint8Array());
  assert.ok(pair.case === "tlsCertificate");
  assert.deepEqual(
    [pair.value.certificateChain, pair.value.privateKey].map((each) =>
      Buffer.from(each?.specifier.value ?? "").toString(),
    ),
    ["chain ä", "key"],
  );
  const roots = secretOf(SECRETS[1]?.value ?? new Uint8Array());
  assert.ok(roots.case === "validationContext");
  assert.equal(Buffer.from(roots.value.trustedCa?.specifier.value ?? "").toString(), "roots");
  const revocable = secretOf(encodeRoots("file-crl:a~b", "roots", "list"));
  assert.ok(revocable.case === "validationContext");
  const { trustedCa, crl } = revocable.value;
  assert.deepEqual(
    [trustedCa, crl].map((each) => Buffer.from(each?.specifier.value ?? "").toString()),
    ["roots", "list"],
  );
  const state = fromBinary(DiscoveryResponseSchema, encodeStateResponse("v1-v2", SECRETS, "1"));
  assert.deepEqual([state.versionInfo, state.typeUrl, state.nonce], ["v1-v2", SECRET_TYPE, "1"]);
  const delta = fromBinary(DeltaDiscoveryResponseSchema, encodeDeltaResponse(SECRETS, "2"));
  assert.deepEqual([delta.typeUrl, delta.nonce], [SECRET_TYPE, "2"]);
  assert.deepEqual(
    delta.resources.map(({ name, version }) => [name, version]),
    [
      ["default", "v1"],
      ["ROOTCA", "v2"],
    ],
  );
  for (const [i, any] of [...state.resources, ...delta.resources.map((each) => each.resource)].entries())
    assert.deepEqual(
      [any?.typeUrl, Buffer.from(any?.value ?? [])],
      [SECRET_TYPE, Buffer.from(SECRETS[i % 2]?.value ?? [])],
    );
});
