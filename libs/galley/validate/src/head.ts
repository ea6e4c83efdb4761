import { annotationBytes, type Checker, type Kind, MAX_ANNOTATION_BYTES } from "@xebec/model-resources";
import { showValue } from "@xebec/model-schema";
import { checkHeadFields } from "./unknown.ts";

/** Which object it is, over all versions of its kind. */
export interface Identity {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Annotations that Istio sets inside itself; its webhook refuses them (docs/reference/platform.md §3.11). */
const REFUSED_ANNOTATIONS = [
  "internal.istio.io/webhook-always-reject",
  "internal.istio.io/parents",
  "internal.istio.io/parent-namespace",
];
/** An RFC 1123 subdomain, whose labels Kubernetes does not limit, and a label. */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const MAX_NAME = 253;

/**
 * Checks what an object has besides its spec: known fields, name, namespace, labels, annotations.
 * @returns undefined when its name or namespace cannot be used
 */
export function checkHead(
  value: Readonly<Record<string, unknown>>,
  kind: Kind,
  { defaultNamespace, systemNamespace }: { readonly defaultNamespace: string; readonly systemNamespace: string },
  check: Checker,
): Identity | undefined {
  checkHeadFields(value, check);
  const metadata = value.metadata;
  if (metadata === null || typeof metadata !== "object" || Array.isArray(metadata)) {
    check.fail(["metadata"], "is required");
    return undefined;
  }
  const { name, labels, annotations } = metadata as Record<string, unknown>;
  const namespace = placeOf(metadata as Record<string, unknown>, kind, defaultNamespace, check);
  if (!checkName(name, check) || namespace === undefined) return undefined;
  for (const [field, map] of Object.entries({ labels, annotations })) checkStrings(map, field, check);
  const size = annotationBytes(annotations);
  if (size > MAX_ANNOTATION_BYTES)
    check.fail(
      ["metadata", "annotations"],
      `have ${size} bytes together, more than ${MAX_ANNOTATION_BYTES} (256 KiB), which is Kubernetes' limit`,
    );
  for (const each of REFUSED_ANNOTATIONS)
    if (annotations && typeof annotations === "object" && Object.hasOwn(annotations, each))
      check.fail(["metadata", "annotations", each], "is Istio's own and may not be set");
  const identity = { group: kind.group, kind: kind.kind, namespace, name };
  kind.checkIdentity?.(identity, check, systemNamespace);
  return identity;
}

/** @returns the namespace, empty for a kind without; undefined when it cannot be used */
function placeOf(
  { namespace }: Readonly<Record<string, unknown>>,
  kind: Kind,
  defaultNamespace: string,
  check: Checker,
): string | undefined {
  if (!kind.clusterScoped) {
    const own = namespace ?? defaultNamespace;
    return checkNamespace(own, check) ? own : undefined;
  }
  if (namespace !== undefined && namespace !== null && namespace !== "")
    check.fail(["metadata", "namespace"], `must be left out: a ${kind.kind} has no namespace`);
  return "";
}

function checkName(name: unknown, check: Checker): name is string {
  if (typeof name === "string" && name.length <= MAX_NAME && SUBDOMAIN.test(name)) return true;
  check.fail(
    ["metadata", "name"],
    name === undefined
      ? "is required"
      : typeof name !== "string"
        ? `must be a string, not ${showValue(name)}; put it in quotes`
        : `${showValue(name)} is not an object name: at most ${MAX_NAME} lower-case letters, digits, - and .`,
  );
  return false;
}

function checkNamespace(namespace: unknown, check: Checker): namespace is string {
  if (typeof namespace === "string" && NAMESPACE.test(namespace)) return true;
  check.fail(
    ["metadata", "namespace"],
    `${showValue(namespace)} is not a namespace: at most 63 lower-case letters, digits and -`,
  );
  return false;
}

function checkStrings(map: unknown, field: string, check: Checker): void {
  if (map === undefined || map === null) return;
  if (typeof map !== "object" || Array.isArray(map)) check.fail(["metadata", field], "must be a map of strings");
  else
    for (const [key, each] of Object.entries(map))
      if (typeof each !== "string")
        check.fail(["metadata", field, key], `must be a string, not ${showValue(each)}; put it in quotes`);
}

/** The namespace that an object names itself, where it is a string. */
export function namespaceOf({ metadata }: Readonly<Record<string, unknown>>): string | undefined {
  const namespace = (metadata as { namespace?: unknown } | null | undefined)?.namespace;
  return typeof namespace === "string" ? namespace : undefined;
}
