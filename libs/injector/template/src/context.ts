import { type MeshProxyConfigs, NO_PROXY_CONFIGS } from "./effective-proxy-config.ts";
import { at, type Fields, fieldsOf, overlay } from "./fields.ts";
import type { InjectConfig } from "./inject-config.ts";
import { imageOfType } from "./proxy-image.ts";
import type { InjectValues } from "./values.ts";

export interface InjectOptions {
  readonly config: InjectConfig;
  readonly values: InjectValues;
  /** What the mesh's configuration says of proxies. */
  readonly mesh?: MeshProxyConfigs;
  /** `MeshConfig` as JSON, as far as it is known. */
  readonly meshConfig?: Fields;
  /** Whether proxies are native sidecars where a pod does not say it. */
  readonly nativeSidecars?: boolean;
}

/** What holds for all pods, worked out once. */
export interface InjectContext {
  readonly config: InjectConfig;
  readonly values: InjectValues;
  readonly mesh: MeshProxyConfigs;
  readonly meshConfig: Fields;
  readonly nativeSidecars: boolean;
  readonly revision: string;
  readonly proxyImage: string;
  readonly initImage: string;
  readonly caAddress: string;
  readonly trustDomain: string;
  readonly clusterId: string;
  readonly network: string;
  readonly rewritesProbes: boolean;
  readonly mergesMetrics: boolean;
}

/** Makes a context; it is made again when one of its parts changes. */
export function injectContext(options: InjectOptions): InjectContext {
  const { config, values, nativeSidecars = false, mesh = NO_PROXY_CONFIGS } = options;
  const meshConfig = overlay(fieldsOf(values.meshConfig), options.meshConfig) as Fields;
  const global = fieldsOf(values.global);
  const text = (...path: readonly string[]): string => String(at(global, ...path) ?? "");
  const namespace = text("istioNamespace");
  const defaults = {
    discoveryAddress: `istio-pilot.${namespace}.svc:15012`,
    ...(global.proxy && at(global, "proxy", "concurrency") !== undefined
      ? { concurrency: at(global, "proxy", "concurrency") }
      : {}),
  };
  return {
    ...{ config, values, meshConfig, nativeSidecars },
    mesh: {
      ...mesh,
      defaultConfig: [fieldsOf(meshConfig.defaultConfig), mesh.defaultConfig].reduce(overlay, defaults) as Fields,
    },
    revision: String(values.revision ?? ""),
    proxyImage: imageOf(global, at(global, "proxy", "image")),
    initImage: imageOf(global, at(global, "proxy_init", "image")),
    caAddress: text("caAddress") || `istio-citadel.${namespace}.svc:8060`,
    trustDomain: String(meshConfig.trustDomain || text("trustDomain")),
    clusterId: text("multiCluster", "clusterName"),
    network: text("network"),
    rewritesProbes: String(at(values, "sidecarInjectorWebhook", "rewriteAppHTTPProbe")) === "true",
    mergesMetrics: meshConfig.enablePrometheusMerge !== false,
  };
}

/** `HUB/NAME:TAG`; a name with a slash is the whole image. */
function imageOf(global: Fields, name: unknown): string {
  const image = String(name ?? "");
  if (image.includes("/")) return image;
  const [hub, tag, variant] = [global.hub, global.tag, global.variant].map((each) => String(each ?? ""));
  return imageOfType(`${hub ? `${hub}/` : ""}${image}${tag ? `:${tag}` : ""}`, variant ?? "");
}
