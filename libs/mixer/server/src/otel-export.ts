import { checkLength } from "./long-report.ts";
import { MessageView } from "./message-view.ts";
import { OtelRecord } from "./otel-record.ts";
import { EXPORT_REQUEST, fieldsOf, RESOURCE, RESOURCE_LOGS, SCOPE_LOGS } from "./otlp-wire.ts";
import { type Id, readId, WORDS } from "./seen-ids.ts";

/** Who sends a part of a request, as Envoy says in the attributes of its resource. */
export interface OtelSender {
  readonly kind: "inbound" | "outbound";
  readonly isHttp: boolean;
  /** The id of the proxy's node. */
  readonly node: string;
}

/** A request with entries of access logs, as far as it was read. */
export interface OtelExport {
  readonly bytes: Buffer;
  /** Where the entries begin and end, by turns. */
  readonly places: readonly number[];
  readonly senders: readonly OtelSender[];
  /** Of each entry its id. */
  readonly ids: readonly Id[];
  /** Entries that are none of a proxy's reports, and why. */
  readonly refused: number;
  readonly why: string;
}

const LOG_NAME = /^xebec_(http|tcp)_(inbound|outbound)$/;
const REQUEST_FIELDS = fieldsOf(EXPORT_REQUEST);
const RESOURCE_LOGS_FIELDS = fieldsOf(RESOURCE_LOGS);
const SCOPE_LOGS_FIELDS = fieldsOf(SCOPE_LOGS);

/** Reads requests of `opentelemetry.proto.collector.logs.v1.LogsService/Export`; one reader for all. */
export class OtelExportReader {
  readonly #request = new MessageView(REQUEST_FIELDS);
  readonly #logs = new MessageView(RESOURCE_LOGS_FIELDS);
  readonly #resource = new MessageView(fieldsOf(RESOURCE));
  readonly #scope = new MessageView(SCOPE_LOGS_FIELDS);
  readonly #sender = new OtelRecord(["log_name", "node_name"], RESOURCE.attributes);
  readonly #entry = new OtelRecord(["id"]);

  /** @throws XebecError invalid_argument when it is no such request, resource_exhausted when it has too many entries */
  read(bytes: Buffer): OtelExport {
    const places: number[] = [];
    const senders: OtelSender[] = [];
    const ids: Id[] = [];
    let refused = 0;
    let why = "";
    const refuse = (reason: string): void => {
      refused++;
      why = reason;
    };
    let sender: OtelSender | undefined;
    let count = 0;
    const entry = (pos: number, end: number): void => {
      checkLength("a request with log records", ++count);
      if (!sender) {
        refuse("they are no reports of proxies: the resource has no log_name that is known");
        return;
      }
      const record = this.#entry.read(bytes, pos, end);
      const id = new Uint32Array(WORDS);
      if (!readId(bytes, record.start(0), record.start(0) + record.length(0), id)) {
        refuse("they have no id");
        return;
      }
      places.push(pos, end);
      senders.push(sender);
      ids.push(id);
    };
    this.#request.read(bytes, 0, bytes.length);
    this.#request.forEach(EXPORT_REQUEST.resourceLogs, (pos, end) => {
      // A field within is read with the views of the one around it.
      checkLength("a request with log records", ++count);
      this.#logs.read(bytes, pos, end);
      sender = this.#senderOf();
      this.#logs.forEach(RESOURCE_LOGS.scopeLogs, (from, to) => {
        checkLength("a request with log records", ++count);
        this.#scope.read(bytes, from, to).forEach(SCOPE_LOGS.logRecords, entry);
      });
    });
    return { bytes, places, senders, ids, refused, why };
  }

  #senderOf(): OtelSender | undefined {
    if (!this.#logs.message(RESOURCE_LOGS.resource, this.#resource)) return undefined;
    const { bytes, start, end } = this.#resource;
    const attributes = this.#sender.read(bytes, start, end);
    const [, of, kind] = LOG_NAME.exec(attributes.text(0)) ?? [];
    return of ? { kind: kind as OtelSender["kind"], isHttp: of === "http", node: attributes.text(1) } : undefined;
  }
}
