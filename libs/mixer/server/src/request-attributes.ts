import { type AttributeValue, parseIp, parseTimestamp, type StringMap, type ValueType } from "@xebec/model-attributes";

/** Of strings an empty one means absent: proto3 does not distinguish the two. */
export const orAbsent = (text: string | undefined): string | undefined => (text === "" ? undefined : text);

/** The path before the query. */
export function urlPath(path: string): string {
  const at = path.indexOf("?");
  return at < 0 ? path : path.slice(0, at);
}

/** The parameters of the query; of a doubled one the first counts. Escapes that are not valid stay as they are. */
export function queryParams(path: string): StringMap {
  const at = path.indexOf("?");
  const out = new Map<string, string>();
  if (at < 0) return out;
  const hash = path.indexOf("#", at);
  for (const [key, value] of new URLSearchParams(path.slice(at + 1, hash < 0 ? undefined : hash)))
    if (!out.has(key)) out.set(key, value);
  return out;
}

/** `grpc` for gRPC's content types, else `http`. */
export function protocolOf(contentType: string | undefined): string {
  return contentType !== undefined && /^application\/grpc(?:[+;]|$)/.test(contentType) ? "grpc" : "http";
}

/** The address of the original client: the first of X-Forwarded-For, else the peer's. */
export function originIp(forwardedFor: string | undefined, peer: string): Uint8Array | undefined {
  const first = forwardedFor?.split(",", 1)[0]?.trim();
  return (first ? parseIp(first) : undefined) ?? parseIp(peer);
}

/** A string as a value of an attribute's type: context extensions and tags are strings. */
export function fromText(type: ValueType, text: string): AttributeValue | undefined {
  switch (type) {
    case "INT64":
      return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
    case "DOUBLE":
      return text.trim() === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
    case "BOOL":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "IP_ADDRESS":
      return parseIp(text);
    case "TIMESTAMP":
      return parseTimestamp(text);
    case "DURATION":
    case "STRING_MAP":
      return undefined;
    default:
      return text;
  }
}

/** A map with further entries in front of another. */
export class ExtendedMap implements StringMap {
  readonly #extra: ReadonlyMap<string, string>;
  readonly #map: StringMap;

  constructor(extra: ReadonlyMap<string, string>, map: StringMap) {
    this.#extra = extra;
    this.#map = map;
  }

  get(key: string): string | undefined {
    return this.#map.get(key) ?? this.#extra.get(key);
  }

  entries(): Iterable<readonly [string, string]> {
    return new Map([...this.#extra, ...this.#map.entries()]);
  }
}
