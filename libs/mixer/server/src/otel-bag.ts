import type { StringMap, Timestamp } from "@xebec/model-attributes";
import { stringMap } from "@xebec/model-attributes";
import { REPORT_ENTRY, REPORT_METRICS, type ReportEntryKey, reportLabel } from "@xebec/model-mixer";
import type { EntryAddress, EntryNumber, EntryText, Reporter } from "./access-log-entry.ts";
import { EntryBag } from "./entry-bag.ts";
import { OtelRecord } from "./otel-record.ts";
import type { PeerRole } from "./peer.ts";
import { ExtendedMap, orAbsent } from "./request-attributes.ts";

/** Most labels with values of their own that are read. */
const MOST_LABELS = 32;
/** Headers that rules read come as one JSON text; a longer one is not read. */
const LONGEST_HEADERS = 65_536;

const NAMES = Object.keys(REPORT_ENTRY) as ReportEntryKey[];
const KEYS: readonly string[] = [
  ...NAMES,
  REPORT_METRICS,
  ...Array.from({ length: MOST_LABELS }, (_, number) => reportLabel(number)),
];
const KEY = Object.fromEntries(NAMES.map((name, i) => [name, i])) as Readonly<Record<ReportEntryKey, number>>;
const METRICS = NAMES.length;
const FIRST_LABEL = METRICS + 1;

const UNKNOWN: EntryAddress = { ip: "", port: 0 };

/** A bag over one record of Envoy's OpenTelemetry access log, with the attributes that pilot has it write. */
export class OtelBag extends EntryBag {
  readonly #record = new OtelRecord(KEYS);
  #requestHeaders: ReadonlyMap<string, string> | undefined;
  #responseHeaders: ReadonlyMap<string, string> | undefined;

  /** Takes one LogRecord of a message. @throws XebecError invalid_argument when it is none */
  start(reporter: Reporter, isHttp: boolean, bytes: Buffer, pos: number, end: number): void {
    this.begin(reporter, isHttp);
    this.#record.read(bytes, pos, end);
    this.#requestHeaders = undefined;
    this.#responseHeaders = undefined;
  }

  #text(key: ReportEntryKey): string {
    return this.#record.text(KEY[key]);
  }

  text(name: EntryText): string {
    return this.#text(name);
  }

  number(name: EntryNumber): number {
    return this.#record.number(KEY[name]);
  }

  get startTime(): Timestamp | undefined {
    return this.#record.time;
  }

  tag(): undefined {
    return undefined;
  }

  address(side: PeerRole): EntryAddress {
    if (this.reporter.kind === "inbound") return addressOf(this.#text(side));
    if (side === "destination") return addressOf(this.#text("upstreamDestination"));
    return addressOf(this.#text("upstreamSource") || this.#text("downstreamSource"));
  }

  protected certificateUri(side: PeerRole): string {
    const isInbound = this.reporter.kind === "inbound";
    const uris =
      side === "source"
        ? this.#text(isInbound ? "sourceUri" : "upstreamSourceUri")
        : this.#text(isInbound ? "destinationUri" : "upstreamDestinationUri");
    const comma = uris.indexOf(",");
    return comma < 0 ? uris : uris.slice(0, comma);
  }

  get method(): string {
    return this.#text("method");
  }

  get path(): string {
    return this.#text("path");
  }

  get requestHeaders(): StringMap {
    const headers = this.standardHeaders();
    const contentType = this.#text("requestContentType");
    if (contentType !== "") headers.set("content-type", contentType);
    this.#requestHeaders ??= this.#headers("requestHeaders");
    return new ExtendedMap(headers, stringMap(this.#requestHeaders));
  }

  get responseHeaders(): StringMap {
    const contentType = this.#text("responseContentType");
    this.#responseHeaders ??= this.#headers("responseHeaders");
    const more = new Map(contentType === "" ? [] : [["content-type", contentType]]);
    return new ExtendedMap(more, stringMap(this.#responseHeaders));
  }

  #headers(key: "requestHeaders" | "responseHeaders"): ReadonlyMap<string, string> {
    const headers = new Map<string, string>();
    const length = this.#record.length(KEY[key]);
    if (length === 0 || length > LONGEST_HEADERS) return headers;
    try {
      const value: unknown = JSON.parse(this.#text(key));
      if (value !== null && typeof value === "object")
        for (const [name, text] of Object.entries(value)) if (typeof text === "string") headers.set(name, text);
    } catch {
      // What cannot be read says nothing.
    }
    return headers;
  }

  get contentType(): string | undefined {
    return orAbsent(this.#text("requestContentType") || this.#text("responseContentType"));
  }

  get responseCode(): number {
    return this.#record.number(KEY.responseCode) || 500;
  }

  get duration(): number | undefined {
    if (this.#record.length(KEY.durationNs) > 0) return this.#record.number(KEY.durationNs);
    return this.#record.length(KEY.durationMs) > 0 ? this.#record.number(KEY.durationMs) * 1e6 : undefined;
  }

  get flags(): string {
    const flags = this.#text("flags");
    if (flags !== "" || !this.isHttp) return flags || "-";
    // Envoy has a flag for what mixer-policy denies; what it denies itself for a rule of Mixer's is counted in the same way.
    return this.#text("denied") === "" ? "-" : "UAEX";
  }

  grpc(header: string): string | undefined {
    if (!this.isHttp) return undefined;
    if (header === "grpc-status") return orAbsent(this.#text("grpcStatus") || this.#text("grpcHeaderStatus"));
    return orAbsent(this.#text("grpcMessage") || this.#text("grpcHeaderMessage"));
  }

  get metrics(): string | undefined {
    if (!this.isHttp) return orAbsent(this.#record.text(METRICS));
    return orAbsent(this.#text(this.reporter.kind === "inbound" ? "metricsServer" : "metricsClient"));
  }

  label(number: number): string {
    return number < MOST_LABELS ? this.#record.text(FIRST_LABEL + number) : "";
  }
}

/** `10.0.0.1:80` or `[::1]:80`. */
function addressOf(text: string): EntryAddress {
  const colon = text.lastIndexOf(":");
  if (colon <= 0) return UNKNOWN;
  const ip = text[0] === "[" ? text.slice(1, colon - 1) : text.slice(0, colon);
  return { ip, port: Number(text.slice(colon + 1)) || 0 };
}
