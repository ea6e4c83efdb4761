import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { XebecError } from "@xebec/core-errors";

// Two messages of proto/istio/v1/auth/istio_ca.proto by their field numbers: the generated code brings descriptors and reflection,
// some 5 MiB in the agent of every pod. A test compares both.
const CSR = 1;
const VALIDITY_DURATION = 3;
const CERT_CHAIN = 1;

/** Encodes IstioCertificateRequest. @param csr PEM @param validitySeconds lifetime to ask for */
export function encodeCertificateRequest(csr: string, validitySeconds: number): Uint8Array {
  const writer = new BinaryWriter().tag(CSR, WireType.LengthDelimited).string(csr);
  return writer.tag(VALIDITY_DURATION, WireType.Varint).int64(validitySeconds).finish();
}

/**
 * Decodes IstioCertificateResponse.
 * @returns its certificates, PEM, from the leaf to the roots
 * @throws XebecError internal when the bytes are something else
 */
export function decodeCertChain(bytes: Uint8Array): string[] {
  const chain: string[] = [];
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === CERT_CHAIN && type === WireType.LengthDelimited) chain.push(reader.string());
      else reader.skip(type, field);
    }
  } catch (error) {
    throw new XebecError("internal", "the server's answer is not a valid istio.v1.auth.IstioCertificateResponse", {
      cause: error,
    });
  }
  return chain;
}
