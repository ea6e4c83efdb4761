import { HeaderValueOption_HeaderAppendAction } from "@xebec/api-envoy/envoy/config/core/v3/base";
import { type HeaderEditor, type HeaderOperations, type HttpRoute, oldHeaders } from "@xebec/model-resources";

const { OVERWRITE_IF_EXISTS_OR_ADD, APPEND_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;

type Headers = HttpRoute["headers"];

/** What Envoy refuses to edit: the host has a field of its own, and the other parts of a request are no headers. */
const isInternal = (name: string): boolean => name.startsWith(":") || name.toLowerCase() === "host";

const isAuthority = (name: string): boolean => ["host", ":authority"].includes(name.toLowerCase());

/** The host that a rule's or a destination's headers give a request. */
export function authorityOf(headers: Headers): string | undefined {
  const given = (values: HeaderOperations["set"]): string | undefined =>
    Object.entries(values ?? {}).find(([name]) => isAuthority(name))?.[1];
  return given(headers?.request?.set) ?? given(headers?.request?.add);
}

/** What a rule or a destination says of headers: as in Istio 1.1, the old fields first. */
export function headersOf(editor: HeaderEditor): readonly Headers[] {
  return [...oldHeaders(editor), editor.headers];
}

/** Headers to add and to remove, of requests and of answers: what is set first, then what is added. */
export function headerEdits(...given: readonly Headers[]) {
  const edits = (values: HeaderOperations["set"], appendAction: HeaderValueOption_HeaderAppendAction) =>
    Object.entries(values ?? {})
      .filter(([name]) => !isInternal(name))
      .map(([key, value]) => ({ header: { key, value }, appendAction }));
  const added = (part: "request" | "response") =>
    given.flatMap((headers) => [
      ...edits(headers?.[part]?.set, OVERWRITE_IF_EXISTS_OR_ADD),
      ...edits(headers?.[part]?.add, APPEND_IF_EXISTS_OR_ADD),
    ]);
  const removed = (part: "request" | "response"): string[] =>
    given.flatMap((headers) => headers?.[part]?.remove ?? []).filter((name) => !isInternal(name));
  return {
    request: { requestHeadersToAdd: added("request"), requestHeadersToRemove: removed("request") },
    response: { responseHeadersToAdd: added("response"), responseHeadersToRemove: removed("response") },
  };
}
