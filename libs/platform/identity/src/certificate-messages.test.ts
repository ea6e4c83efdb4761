import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { IstioCertificateRequestSchema, IstioCertificateResponseSchema } from "@xebec/api-mesh/istio/v1/auth/istio_ca";
import { decodeCertChain, encodeCertificateRequest } from "./certificate-messages.ts";

test("the messages are those of the schema", () => {
  const request = fromBinary(IstioCertificateRequestSchema, encodeCertificateRequest("csr ä", 86_400));
  assert.deepEqual([request.csr, request.validityDuration], ["csr ä", 86_400n]);
  for (const certChain of [[], ["leaf"], ["leaf", "", "root ä"]])
    assert.deepEqual(
      decodeCertChain(toBinary(IstioCertificateResponseSchema, create(IstioCertificateResponseSchema, { certChain }))),
      certChain,
    );
});

test("fields of later versions are passed over; what is not a message is refused", () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text, "hex");
  // 2: varint 1; 3: "x"; 4: fixed32; 5: fixed64; 1: "a"
  assert.deepEqual(decodeCertChain(bytes("1001" + "1a0178" + "2501020304" + "290102030405060708" + "0a0161")), ["a"]);
  for (const broken of ["0a05", "0a", "07", "ff"])
    assert.throws(() => decodeCertChain(bytes(broken)), { code: "internal" }, broken);
});
