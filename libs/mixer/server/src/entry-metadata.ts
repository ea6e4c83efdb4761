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

const NOTHING: ReadonlyMap<string, string> = new Map();

/** The texts of one namespace of an entry's metadata. @param common the entry's AccessLogCommon */
export function metadataTexts(common: MessageView, namespace: string): ReadonlyMap<string, string> {
  if (!common.has(METADATA)) return NOTHING;
  const texts = new Map<string, string>();
  const metadata = new MessageView(1);
  const entry = new MessageView(2);
  const inner = new MessageView(2);
  const value = new MessageView(6);
  common.message(METADATA, metadata);
  metadata.forEach(FILTER_METADATA, (pos, end) => {
    if (entry.read(metadata.bytes, pos, end).text(ENTRY.key) !== namespace) return;
    const struct = new MessageView(1);
    entry.message(ENTRY.value, struct);
    struct.forEach(FIELDS, (from, to) => {
      inner.read(struct.bytes, from, to).message(ENTRY.value, value);
      if (value.has(STRING_VALUE)) texts.set(inner.text(ENTRY.key), value.text(STRING_VALUE));
    });
  });
  return texts;
}
