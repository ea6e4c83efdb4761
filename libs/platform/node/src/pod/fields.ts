import { XebecError } from "@xebec/core-errors";
import type { Container, FieldRef, Pod, ResourceRef } from "../api/types.ts";
import { quantity } from "./quantity.ts";

/** What the fields of a pod are taken from. */
export interface PodFacts {
  readonly pod: Pod;
  readonly ip: string;
  readonly hostIp: string;
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The value of a downward-API field. @throws XebecError invalid_argument for a field that there is none of */
export function fieldValue({ fieldPath }: FieldRef, { pod, ip, hostIp }: PodFacts): string {
  const { metadata, spec } = pod;
  const indexed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(fieldPath);
  if (indexed) return metadata[indexed[1] as "labels" | "annotations"]?.[indexed[2] as string] ?? "";
  switch (fieldPath) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid;
    case "metadata.labels":
    case "metadata.annotations":
      return Object.entries(metadata[fieldPath.slice(9) as "labels" | "annotations"] ?? {})
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join("\n");
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return hostIp;
    case "status.podIP":
    case "status.podIPs":
      return ip;
    default:
      throw new XebecError("invalid_argument", `fieldPath ${fieldPath} is not supported`);
  }
}

/** A container's limit or request, in multiples of the divisor, rounded up; the node's where there is no limit. */
export function resourceValue(ref: ResourceRef, container: Container, { allocatable }: PodFacts): string {
  const [kind = "", ...rest] = ref.resource.split(".");
  const name = rest.join(".");
  const given =
    container.resources?.[kind as "limits" | "requests"]?.[name] ??
    (kind === "limits" ? allocatable[name] : "0") ??
    "0";
  const divisor = ref.divisor && ref.divisor !== "0" ? quantity(ref.divisor) : 1;
  return String(Math.ceil(quantity(given) / divisor - 1e-9));
}
