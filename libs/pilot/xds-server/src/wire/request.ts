import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { NodeSchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";
import { StatusSchema } from "@xebec/api-envoy/google/rpc/status";
import { XebecError } from "@xebec/core-errors";
import { escapeLine } from "@xebec/core-log";

/** A node as its first request carries it. */
export interface XdsNode {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** `region/zone/subzone`. */
  readonly locality: string;
  /** Envoy's `--service-cluster`. */
  readonly cluster: string;
  readonly userAgent: string;
  /** Of Envoy; undefined where the client does not say it in numbers. */
  readonly version?: { readonly major: number; readonly minor: number } | undefined;
}

/** What both protocols ask, with names kept as bytes until somebody needs them. */
export interface XdsRequest {
  readonly typeUrl: string;
  readonly nonce: string;
  /** State of the world: the version that the client accepted last, of an earlier stream too; empty when it has nothing. */
  readonly version: string;
  readonly node: XdsNode | undefined;
  /** The error of a NACK. */
  readonly error: { readonly code: number; readonly message: string } | undefined;
  /** The names asked for, as their own bytes on the wire, of Delta those that are added; equal bytes are equal names. */
  readonly nameBytes: Uint8Array;
  readonly names: () => string[];
  /** Delta only. */
  readonly subscribe: () => readonly string[];
  readonly unsubscribe: readonly string[];
  /** Delta only: names and versions that the client still has from an earlier stream. */
  readonly initialVersions: ReadonlyMap<string, string>;
}

const sotw = DiscoveryRequestSchema.field;
const SOTW = {
  version: sotw.versionInfo.number,
  node: sotw.node.number,
  names: sotw.resourceNames.number,
  typeUrl: sotw.typeUrl.number,
  nonce: sotw.responseNonce.number,
  error: sotw.errorDetail.number,
};
const delta = DeltaDiscoveryRequestSchema.field;
const DELTA = {
  node: delta.node.number,
  typeUrl: delta.typeUrl.number,
  subscribe: delta.resourceNamesSubscribe.number,
  unsubscribe: delta.resourceNamesUnsubscribe.number,
  initialVersions: delta.initialResourceVersions.number,
  nonce: delta.responseNonce.number,
  error: delta.errorDetail.number,
};
const STATUS = { code: StatusSchema.field.code.number, message: StatusSchema.field.message.number };
/** The fields of a map's entries, which have no descriptor (protobuf.dev, "Encoding", Maps). */
const MAP_ENTRY = { key: 1, value: 2 } as const;
/** A request with more names than this is an error. */
const MAX_NAMES = 100_000;
const MAX_MESSAGE = 4_096;

/**
 * Reads a DiscoveryRequest.
 * @param repeated how many bytes from `at` on are the names of an earlier request, to the byte; they are not read again. An
 *   acknowledgement repeats hundreds of names.
 * @throws XebecError invalid_argument when the bytes are none
 */
export function readRequest(bytes: Buffer, repeated: (bytes: Buffer, at: number) => number = () => 0): XdsRequest {
  let typeUrl = "";
  let nonce = "";
  let version = "";
  let node: XdsNode | undefined;
  let error: XdsRequest["error"];
  let from = -1;
  let to = -1;
  let count = 0;
  const parts: Buffer[] = [];
  eachField(bytes, (field, reader, start) => {
    if (field === SOTW.names) {
      const known = from === -1 ? repeated(bytes, start) : 0;
      if (known > 0) reader.pos = start + known;
      else reader.skip(2);
      if (to !== start) {
        if (from !== -1) parts.push(bytes.subarray(from, to));
        from = start;
      }
      to = reader.pos;
      if (++count > MAX_NAMES)
        throw new XebecError("invalid_argument", `a request may name ${MAX_NAMES} resources at the most`);
    } else if (field === SOTW.version) version = reader.string();
    else if (field === SOTW.typeUrl) typeUrl = reader.string();
    else if (field === SOTW.nonce) nonce = reader.string();
    else if (field === SOTW.node) node = readNode(reader.bytes());
    else if (field === SOTW.error) error = readStatus(reader.bytes());
    else return false;
    return true;
  });
  if (from !== -1) parts.push(bytes.subarray(from, to));
  const [first = EMPTY] = parts;
  const nameBytes = parts.length > 1 ? Buffer.concat(parts) : first;
  return {
    typeUrl,
    nonce,
    version,
    node,
    error,
    nameBytes,
    names: () => readNames(bytes, SOTW.names),
    subscribe: () => [],
    unsubscribe: [],
    initialVersions: NO_VERSIONS,
  };
}

/** Reads a DeltaDiscoveryRequest. @throws XebecError invalid_argument when the bytes are none */
export function readDeltaRequest(bytes: Buffer): XdsRequest {
  let typeUrl = "";
  let nonce = "";
  let node: XdsNode | undefined;
  let error: XdsRequest["error"];
  const added = new FieldBytes(bytes);
  const unsubscribe: string[] = [];
  let versions: Map<string, string> | undefined;
  eachField(bytes, (field, reader, start) => {
    if (field === DELTA.typeUrl) typeUrl = reader.string();
    else if (field === DELTA.nonce) nonce = reader.string();
    else if (field === DELTA.subscribe) {
      reader.skip(2);
      added.add(start, reader.pos);
    } else if (field === DELTA.unsubscribe) unsubscribe.push(reader.string());
    else if (field === DELTA.initialVersions) {
      versions ??= new Map();
      const entry = readPair(reader.bytes(), MAP_ENTRY.key, MAP_ENTRY.value);
      versions.set(entry[0], entry[1]);
    } else if (field === DELTA.node) node = readNode(reader.bytes());
    else if (field === DELTA.error) error = readStatus(reader.bytes());
    else return false;
    if (added.count > MAX_NAMES || unsubscribe.length > MAX_NAMES || (versions?.size ?? 0) > MAX_NAMES)
      throw new XebecError("invalid_argument", `a request may name ${MAX_NAMES} resources at the most`);
    return true;
  });
  return {
    typeUrl,
    nonce,
    version: "",
    node,
    error,
    nameBytes: added.bytes,
    names: () => [],
    subscribe: () => readNames(bytes, DELTA.subscribe),
    unsubscribe,
    initialVersions: versions ?? NO_VERSIONS,
  };
}

/** The bytes of all fields of one number, which mostly stand one behind the other. */
class FieldBytes {
  count = 0;
  readonly #message: Buffer;
  readonly #parts: [number, number][] = [];

  constructor(message: Buffer) {
    this.#message = message;
  }

  add(from: number, to: number): void {
    this.count++;
    const last = this.#parts.at(-1);
    if (last?.[1] === from) last[1] = to;
    else this.#parts.push([from, to]);
  }

  get bytes(): Uint8Array {
    const parts = this.#parts.map(([from, to]) => this.#message.subarray(from, to));
    const [first = EMPTY] = parts;
    return parts.length > 1 ? Buffer.concat(parts) : first;
  }
}

const EMPTY = new Uint8Array();
const NO_VERSIONS: ReadonlyMap<string, string> = new Map();

/** Calls `take` for every field; fields that it does not take are skipped. */
function eachField(bytes: Uint8Array, take: (field: number, reader: BinaryReader, start: number) => boolean): void {
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [field, wireType] = reader.tag();
      if (!take(field, reader, start)) reader.skip(wireType);
    }
  } catch (error) {
    if (error instanceof XebecError) throw error;
    throw new XebecError("invalid_argument", "the discovery request cannot be read", { cause: error });
  }
}

function readNames(bytes: Uint8Array, of: number): string[] {
  const names: string[] = [];
  eachField(bytes, (field, reader) => {
    if (field !== of) return false;
    names.push(reader.string());
    return true;
  });
  return names;
}

function readPair(bytes: Uint8Array, first: number, second: number): [string, string] {
  const pair: [string, string] = ["", ""];
  eachField(bytes, (field, reader) => {
    if (field === first) pair[0] = reader.string();
    else if (field === second) pair[1] = reader.string();
    else return false;
    return true;
  });
  return pair;
}

function readStatus(bytes: Uint8Array): { code: number; message: string } {
  const status = { code: 0, message: "" };
  eachField(bytes, (field, reader) => {
    if (field === STATUS.code) status.code = reader.int32();
    else if (field === STATUS.message) status.message = oneLine(reader.string());
    else return false;
    return true;
  });
  return status;
}

/** What a client says of an error: it goes into logs and conditions, and must look like nothing else there. */
function oneLine(text: string): string {
  return escapeLine(text.slice(0, MAX_MESSAGE).replace(/[\r\n\t]+/g, " "));
}

function readNode(bytes: Uint8Array): XdsNode {
  const node = fromBinary(NodeSchema, bytes, { readUnknownFields: false });
  const { region = "", zone = "", subZone = "" } = node.locality ?? {};
  const agent = node.userAgentVersionType;
  return {
    id: node.id,
    metadata: node.metadata ?? {},
    cluster: node.cluster,
    locality: [region, zone, subZone].join("/").replace(/\/+$/, ""),
    ...(agent.case === "userAgentBuildVersion" && agent.value.version
      ? { version: { major: agent.value.version.majorNumber, minor: agent.value.version.minorNumber } }
      : {}),
    userAgent: agent.case === "userAgentVersion" ? `${node.userAgentName} ${agent.value}` : node.userAgentName,
  };
}
