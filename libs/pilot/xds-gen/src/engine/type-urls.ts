const PREFIX = "type.googleapis.com/envoy.";

/** The xDS types that pilot serves (docs/reference/pilot.md §2.3). */
export const TYPE_URL = {
  cluster: `${PREFIX}config.cluster.v3.Cluster`,
  endpoint: `${PREFIX}config.endpoint.v3.ClusterLoadAssignment`,
  listener: `${PREFIX}config.listener.v3.Listener`,
  route: `${PREFIX}config.route.v3.RouteConfiguration`,
  extensionconfig: `${PREFIX}config.core.v3.TypedExtensionConfig`,
} as const;

export type XdsType = keyof typeof TYPE_URL;

const BY_URL = new Map<string, XdsType>(Object.entries(TYPE_URL).map(([type, url]) => [url, type as XdsType]));

/** The type of a type URL; undefined when it is not served. */
export function typeOfUrl(url: string): XdsType | undefined {
  return BY_URL.get(url);
}

/** Istio's short names in metrics and status: cds, eds, lds, rds, ecds. */
export const SHORT_NAME: Readonly<Record<XdsType, string>> = {
  cluster: "cds",
  endpoint: "eds",
  listener: "lds",
  route: "rds",
  extensionconfig: "ecds",
};
