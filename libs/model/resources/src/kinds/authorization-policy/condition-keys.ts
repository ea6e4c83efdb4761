/** How the attribute of a condition is matched. */
export type ConditionKey =
  | { readonly attribute: "header" | "inlineHeader"; readonly name: string }
  | { readonly attribute: "claim"; readonly path: readonly string[] }
  | { readonly attribute: "metadata"; readonly filter: string; readonly path: string }
  | { readonly attribute: PlainAttribute };

const PLAIN = {
  "source.ip": "sourceIp",
  "remote.ip": "remoteIp",
  "source.namespace": "sourceNamespace",
  "source.serviceAccount": "sourceServiceAccount",
  "source.principal": "sourcePrincipal",
  "request.auth.principal": "requestPrincipal",
  "request.auth.audiences": "requestAudiences",
  "request.auth.presenter": "requestPresenter",
  "destination.ip": "destinationIp",
  "destination.port": "destinationPort",
  "connection.sni": "sni",
} as const;

type PlainAttribute = (typeof PLAIN)[keyof typeof PLAIN];

const HEADER = "request.headers";
const INLINE_HEADER = "request.experimental.inline.headers";
const CLAIMS = "request.auth.claims";
const EXPERIMENTAL = "experimental.";
const METADATA = `${EXPERIMENTAL}envoy.filters.`;

/** All keys, those with a name as examples. */
export const CONDITION_KEYS: readonly string[] = [
  ...Object.keys(PLAIN),
  ...[`${HEADER}[NAME]`, `${INLINE_HEADER}[NAME]`, `${CLAIMS}[NAME]`, `${METADATA}FILTER[KEY]`],
];

/**
 * The attribute that `when[].key` names (docs/reference/pilot.md §3.9).
 * @returns undefined for a key that Istio does not have
 */
export function conditionKey(key: string): ConditionKey | undefined {
  if (Object.hasOwn(PLAIN, key)) return { attribute: PLAIN[key as keyof typeof PLAIN] };
  const open = key.indexOf("[");
  if (open < 1 || !key.endsWith("]") || open >= key.length - 2) return undefined;
  const [attribute, inner] = [key.slice(0, open), key.slice(open + 1, -1)];
  if (attribute === CLAIMS) {
    const path = inner.split("][");
    return path.every((each) => each !== "" && !/[[\]]/.test(each)) ? { attribute: "claim", path } : undefined;
  }
  if (attribute === HEADER) return { attribute: "header", name: inner };
  if (attribute === INLINE_HEADER) return { attribute: "inlineHeader", name: inner };
  if (attribute.startsWith(METADATA))
    return { attribute: "metadata", filter: attribute.slice(EXPERIMENTAL.length), path: inner };
  return undefined;
}

const HTTP_ONLY: ReadonlySet<string> = new Set<ConditionKey["attribute"]>([
  ...(["header", "inlineHeader", "claim"] as const),
  ...(["requestPrincipal", "requestAudiences", "requestPresenter"] as const),
]);

/** True for an attribute that connections without HTTP do not have. */
export function isHttpOnly({ attribute }: ConditionKey): boolean {
  return HTTP_ONLY.has(attribute);
}
