import { StructSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { MetadataSchema } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { AccessLogCommonSchema } from "@xebec/api-envoy/envoy/data/accesslog/v3/accesslog";
import { fieldNumbers, MAP_ENTRY } from "@xebec/model-attributes/wire";
import { MAP_ENTRY_FIELDS, MessageView } from "./message-view.ts";

/** Namespaces of a request's metadata in which pilot's filter `mixer.report` notes the headers that rules read. */
export const REQUEST_HEADERS = "mixer.request.headers";
export const RESPONSE_HEADERS = "mixer.response.headers";
/** In which Envoy's script says that it has denied a request for Mixer's rules. */
export const POLICY = "mixer.policy";
/** By which pilot says what of Istio's standard metrics is counted. */
export const METRICS = "istio.metrics";

type Namespace = typeof REQUEST_HEADERS | typeof RESPONSE_HEADERS | typeof POLICY | typeof METRICS;

const METADATA = fieldNumbers(AccessLogCommonSchema).metadata;
const FILTER_METADATA = fieldNumbers(MetadataSchema).filterMetadata;
const FIELDS = fieldNumbers(StructSchema).fields;
const STRING_VALUE = fieldNumbers(ValueSchema).stringValue;

/**
 * What pilot's filter has noted of a request in an access log entry's metadata: headers that rules read. It is read once for each
 * entry, and only when it is asked for; the views are made once.
 */
export class EntryMetadata {
  readonly #metadata = new MessageView(MetadataSchema);
  readonly #entry = new MessageView(MAP_ENTRY_FIELDS);
  readonly #struct = new MessageView(StructSchema);
  readonly #field = new MessageView(MAP_ENTRY_FIELDS);
  readonly #value = new MessageView(ValueSchema);
  readonly #strings: Readonly<Record<Namespace, Map<string, string>>> = {
    [REQUEST_HEADERS]: new Map(),
    [RESPONSE_HEADERS]: new Map(),
    [POLICY]: new Map(),
    [METRICS]: new Map(),
  };
  #known = true;

  /** Another entry is read from now on. */
  forget(): void {
    this.#known = false;
  }

  /** The strings of one namespace. @param common the entry's AccessLogCommon */
  strings(common: MessageView, namespace: Namespace): ReadonlyMap<string, string> {
    if (!this.#known) this.#read(common);
    return this.#strings[namespace];
  }

  #read(common: MessageView): void {
    this.#known = true;
    for (const strings of Object.values(this.#strings)) if (strings.size > 0) strings.clear();
    if (!common.message(METADATA, this.#metadata)) return;
    const { bytes } = this.#metadata;
    this.#metadata.forEach(FILTER_METADATA, (pos, end) => {
      const namespace = this.#entry.read(bytes, pos, end).text(MAP_ENTRY.key);
      if (!Object.hasOwn(this.#strings, namespace)) return;
      const strings = this.#strings[namespace as Namespace];
      this.#entry.message(MAP_ENTRY.value, this.#struct);
      this.#struct.forEach(FIELDS, (from, to) => {
        this.#field.read(bytes, from, to).message(MAP_ENTRY.value, this.#value);
        if (this.#value.has(STRING_VALUE)) strings.set(this.#field.text(MAP_ENTRY.key), this.#value.text(STRING_VALUE));
      });
    });
  }
}
