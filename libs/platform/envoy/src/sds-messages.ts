import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { XebecError } from "@xebec/core-errors";

// The messages of SDS by the field numbers of Envoy's API: generated code for them brings the descriptors of half of that API, which
// cost each agent some 6 MiB. A test compares both.

/** What the agent reads of DiscoveryRequest (envoy/service/discovery/v3/discovery.proto). */
export interface StateRequest {
  readonly resourceNames: readonly string[];
  readonly responseNonce: string;
  /** The text of `error_detail`; undefined without one. */
  readonly error: string | undefined;
}

/** What the agent reads of DeltaDiscoveryRequest. */
export interface DeltaRequest {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
  readonly error: string | undefined;
}

/** A resource as responses hold it. @param value the encoded message */
export interface SdsResource {
  readonly name: string;
  readonly version: string;
  readonly value: Uint8Array;
}

export const SECRET_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

/** @throws XebecError invalid_argument for bytes that are no such message */
export function decodeStateRequest(bytes: Uint8Array): StateRequest {
  const request = { resourceNames: [] as string[], responseNonce: "", error: undefined as string | undefined };
  read(bytes, "DiscoveryRequest", {
    3: (reader) => request.resourceNames.push(reader.string()),
    5: (reader) => {
      request.responseNonce = reader.string();
    },
    6: (reader) => {
      request.error = statusText(reader.bytes());
    },
  });
  return request;
}

/** @throws XebecError invalid_argument for bytes that are no such message */
export function decodeDeltaRequest(bytes: Uint8Array): DeltaRequest {
  const initialVersions = new Map<string, string>();
  const request = { subscribe: [] as string[], unsubscribe: [] as string[], error: undefined as string | undefined };
  read(bytes, "DeltaDiscoveryRequest", {
    3: (reader) => request.subscribe.push(reader.string()),
    4: (reader) => request.unsubscribe.push(reader.string()),
    5: (reader) => {
      const entry = { key: "", value: "" };
      read(reader.bytes(), "DeltaDiscoveryRequest", {
        1: (of) => {
          entry.key = of.string();
        },
        2: (of) => {
          entry.value = of.string();
        },
      });
      initialVersions.set(entry.key, entry.value);
    },
    7: (reader) => {
      request.error = statusText(reader.bytes());
    },
  });
  return { ...request, initialVersions };
}

/** Encodes DiscoveryResponse with secrets. */
export function encodeStateResponse(version: string, resources: readonly SdsResource[], nonce: string): Uint8Array {
  const writer = new BinaryWriter();
  text(writer, 1, version);
  for (const { value } of resources) any(writer, 2, value);
  text(writer, 4, SECRET_TYPE);
  text(writer, 5, nonce);
  return writer.finish();
}

/** Encodes DeltaDiscoveryResponse. @param typeUrl of the resources; secrets when left out */
export function encodeDeltaResponse(
  resources: readonly SdsResource[],
  nonce: string,
  typeUrl = SECRET_TYPE,
): Uint8Array {
  const writer = new BinaryWriter();
  for (const { name, version, value } of resources)
    nested(writer, 2, (resource) => {
      text(resource, 1, version);
      any(resource, 2, value, typeUrl);
      text(resource, 3, name);
    });
  text(writer, 4, typeUrl);
  text(writer, 5, nonce);
  return writer.finish();
}

/** Encodes a Secret with a key pair (envoy/extensions/transport_sockets/tls/v3/secret.proto). @param chain PEM @param key PEM */
export function encodeKeyPair(name: string, chain: string, key: string): Uint8Array {
  const writer = new BinaryWriter();
  text(writer, 1, name);
  nested(writer, 2, (certificate) => {
    inline(certificate, 1, chain);
    inline(certificate, 2, key);
  });
  return writer.finish();
}

/** Encodes a Secret with trusted roots. @param bundle PEM @param crl lists of revoked certificates, PEM; none when left out */
export function encodeRoots(name: string, bundle: string, crl = ""): Uint8Array {
  const writer = new BinaryWriter();
  text(writer, 1, name);
  nested(writer, 4, (context) => {
    inline(context, 1, bundle);
    if (crl !== "") inline(context, 7, crl);
  });
  return writer.finish();
}

type Fields = Readonly<Record<number, (reader: BinaryReader) => unknown>>;

/** Reads the fields that are asked for, all of which are length-delimited, and passes over the others. */
function read(bytes: Uint8Array, message: string, fields: Fields): void {
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      const take = type === WireType.LengthDelimited ? fields[field] : undefined;
      if (take) take(reader);
      else reader.skip(type, field);
    }
  } catch (cause) {
    throw new XebecError("invalid_argument", `the request is not a valid envoy.service.discovery.v3.${message}`, {
      cause,
    });
  }
}

/** The text of google.rpc.Status. */
function statusText(bytes: Uint8Array): string {
  let message = "";
  read(bytes, "DiscoveryRequest", {
    2: (reader) => {
      message = reader.string();
    },
  });
  return message;
}

// proto3 leaves out what is empty.
function text(writer: BinaryWriter, field: number, value: string): void {
  if (value !== "") writer.tag(field, WireType.LengthDelimited).string(value);
}

function nested(writer: BinaryWriter, field: number, fill: (inner: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  fill(writer);
  writer.join();
}

/** google.protobuf.Any. */
function any(writer: BinaryWriter, field: number, value: Uint8Array, typeUrl = SECRET_TYPE): void {
  nested(writer, field, (inner) => {
    text(inner, 1, typeUrl);
    inner.tag(2, WireType.LengthDelimited).bytes(value);
  });
}

/** DataSource with inline_bytes. */
function inline(writer: BinaryWriter, field: number, value: string): void {
  nested(writer, field, (source) => source.tag(2, WireType.LengthDelimited).bytes(Buffer.from(value)));
}
