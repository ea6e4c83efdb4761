import { field, list, map, message, type Static, string } from "@xebec/model-schema";

const HeaderOperations = message("HeaderOperations", {
  set: field(map(string()), "Headers that replace those of the same name. Values may have Envoy's command operators."),
  add: field(
    map(string()),
    "Headers that are appended to those of the same name. Values may have Envoy's command operators.",
  ),
  remove: field(list(string()), "Names of headers that are removed."),
});
export type HeaderOperations = Static<typeof HeaderOperations>;

export const Headers = message("Headers", {
  request: field(HeaderOperations, "Changes to a request before it is forwarded."),
  response: field(HeaderOperations, "Changes to a response before it is returned."),
});

/** Istio 1.1's fields for headers, which `headers` has replaced. */
export const HEADERS_OF_1_0 = {
  appendRequestHeaders: field(map(string()), "The old form of `headers.request.add`."),
  removeRequestHeaders: field(list(string()), "The old form of `headers.request.remove`."),
  appendResponseHeaders: field(map(string()), "The old form of `headers.response.add`."),
  removeResponseHeaders: field(list(string()), "The old form of `headers.response.remove`."),
};

/** A rule or a destination, as far as it edits headers. */
export interface HeaderEditor {
  readonly headers?: Static<typeof Headers>;
  readonly appendHeaders?: Readonly<Record<string, string>>;
  readonly appendRequestHeaders?: Readonly<Record<string, string>>;
  readonly removeRequestHeaders?: readonly string[];
  readonly appendResponseHeaders?: Readonly<Record<string, string>>;
  readonly removeResponseHeaders?: readonly string[];
}

/** The old fields in today's form, in the order in which they apply; empty without any. */
export function oldHeaders(editor: HeaderEditor): NonNullable<HeaderEditor["headers"]>[] {
  const { appendHeaders, appendRequestHeaders, removeRequestHeaders: fromRequest } = editor;
  const { appendResponseHeaders, removeResponseHeaders: fromResponse } = editor;
  return [
    ...(appendHeaders ? [{ request: { add: { ...appendHeaders } } }] : []),
    ...(appendRequestHeaders ? [{ request: { add: { ...appendRequestHeaders } } }] : []),
    ...(fromRequest ? [{ request: { remove: [...fromRequest] } }] : []),
    ...(appendResponseHeaders ? [{ response: { add: { ...appendResponseHeaders } } }] : []),
    ...(fromResponse ? [{ response: { remove: [...fromResponse] } }] : []),
  ];
}
