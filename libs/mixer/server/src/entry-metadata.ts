import { MessageView } from "./message-view.ts";

/** Namespaces of a request's metadata in which pilot's filter `mixer.report` notes the headers that rules read. */
export const REQUEST_HEADERS = "mixer.request.headers";
export const RESPONSE_HEADERS = "mixer.response.headers";

// Field numbers of AccessLogCommon, core.v3.Metadata, and google.protobuf's Struct, Value and map entries.
const METADATA = 17;
const FILTER_METADATA = 1;
const FIELDS = 1;
const STRING_VALUE = 3;
const ENTRY = { key: 1, value: 2 } as const;

/**
 * What pilot's filter has noted of a request in an access log entry's metadata: headers that rules read. It is read once for each
 * entry, and only when it is asked for; the views are made once.
 */
export class EntryMetadata {
  readonly #metadata = new MessageView(1);
  readonly #entry = new MessageView(2);
  readonly #struct = new MessageView(1);
  readonly #field = new MessageView(2);
  readonly #value = new MessageView(6);
  readonly #texts = { [REQUEST_HEADERS]: new Map<string, string>(), [RESPONSE_HEADERS]: new Map<string, string>() };
  #known = true;

  /** Another entry is read from now on. */
  forget(): void {
    this.#known = false;
  }

  /** The texts of one namespace. @param common the entry's AccessLogCommon */
  texts(common: MessageView, namespace: typeof REQUEST_HEADERS | typeof RESPONSE_HEADERS): ReadonlyMap<string, string> {
    if (!this.#known) this.#read(common);
    return this.#texts[namespace];
  }

  #read(common: MessageView): void {
    this.#known = true;
    for (const texts of Object.values(this.#texts)) if (texts.size > 0) texts.clear();
    if (!common.message(METADATA, this.#metadata)) return;
    const { bytes } = this.#metadata;
    this.#metadata.forEach(FILTER_METADATA, (pos, end) => {
      const namespace = this.#entry.read(bytes, pos, end).text(ENTRY.key);
      if (namespace !== REQUEST_HEADERS && namespace !== RESPONSE_HEADERS) return;
      const texts = this.#texts[namespace];
      this.#entry.message(ENTRY.value, this.#struct);
      this.#struct.forEach(FIELDS, (from, to) => {
        this.#field.read(bytes, from, to).message(ENTRY.value, this.#value);
        if (this.#value.has(STRING_VALUE)) texts.set(this.#field.text(ENTRY.key), this.#value.text(STRING_VALUE));
      });
    });
  }
}
