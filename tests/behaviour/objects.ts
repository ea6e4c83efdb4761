import { findKind } from "@xebec/model-resources";

/** Istio objects of the cases, in the namespace `default` unless `metadata` says something else. */
export function object(kind: string, name: string, spec: object, metadata: object = {}): object {
  const group = findKind(kind)?.group;
  return { apiVersion: `${group}/v1`, kind, metadata: { name, namespace: "default", ...metadata }, spec };
}

/** A DestinationRule that is named like its host. */
export const policy = (host: string, trafficPolicy: object, more: object = {}): object =>
  object("DestinationRule", host.replaceAll("*", "all"), { host, trafficPolicy, ...more });

/** A ServiceEntry that is named like its host, with STATIC endpoints. */
export const entry = (host: string, spec: object): object =>
  object("ServiceEntry", host.replaceAll("*", "all"), { hosts: [host], resolution: "STATIC", ...spec });
