import { type ConditionKey, conditionKey } from "../authorization-policy/condition-keys.ts";

/** What a constraint of Istio 1.1 is about: an attribute of the request, or of the service, which is known before there is a request. */
export type ConstraintKey =
  | { readonly attribute: "label"; readonly name: string }
  | { readonly attribute: "serviceName" | "serviceNamespace" | "serviceAccount" }
  | { readonly attribute: "header"; readonly name: string }
  | Extract<ConditionKey, { attribute: "metadata" }>
  | { readonly attribute: "destinationIp" | "destinationPort" | "sni" };

const OF_SERVICE = {
  "destination.name": "serviceName",
  "destination.namespace": "serviceNamespace",
  "destination.user": "serviceAccount",
} as const;

/** All keys, those with a name as examples. */
export const CONSTRAINT_KEYS: readonly string[] = [
  ...Object.keys(OF_SERVICE),
  ...["destination.ip", "destination.port", "connection.sni", "destination.labels[NAME]", "request.headers[NAME]"],
];

/** The attribute of a constraint (docs/reference/pilot.md §3.14). @returns undefined for a key that Istio 1.1 does not have */
export function constraintKey(key: string): ConstraintKey | undefined {
  if (Object.hasOwn(OF_SERVICE, key)) return { attribute: OF_SERVICE[key as keyof typeof OF_SERVICE] };
  const label = /^destination\.labels\[(.+)\]$/.exec(key)?.[1];
  if (label !== undefined) return { attribute: "label", name: label };
  const known = conditionKey(key);
  switch (known?.attribute) {
    case "header":
      return { attribute: "header", name: known.name };
    case "metadata":
      return known;
    case "destinationIp":
    case "destinationPort":
    case "sni":
      return { attribute: known.attribute };
    default:
      return undefined;
  }
}
