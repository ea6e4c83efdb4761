import type { ProxyConfig } from "@xebec/model-resources";
import { readProxyConfig } from "@xebec/model-resources";
import { violationText } from "@xebec/model-schema";

/** What pilot serves of a ProxyConfig; everything else is the agent's. */
const SERVED = ["tracing", "zipkinAddress", "envoyAccessLogService", "gatewayTopology", "proxyHeaders"] as const;

/** The part of a ProxyConfig that pilot serves. */
export type ServedProxyConfig = Pick<ProxyConfig, (typeof SERVED)[number]>;

/** Most characters of it. */
const LONGEST = 16_384;
const TRACERS = ["zipkin", "lightstep", "datadog", "stackdriver", "openCensusAgent"] as const;

/**
 * What a proxy's own ProxyConfig says of what pilot serves (node metadata PROXY_CONFIG): Istio's annotation `proxy.istio.io/config`, or
 * all that the proxy was injected with.
 * @returns absent fields where it says nothing, and what of it cannot be used, in words
 */
export function ownProxyConfig(metadata: unknown): {
  readonly config?: ServedProxyConfig;
  readonly problems: readonly string[];
} {
  if (metadata === null || typeof metadata !== "object") return { problems: [] };
  const given = Object.entries(metadata).filter(
    ([name, value]) => value !== null && (SERVED as readonly string[]).includes(name),
  );
  if (given.length === 0) return { problems: [] };
  if (JSON.stringify(given).length > LONGEST)
    return { problems: [`PROXY_CONFIG has more than ${LONGEST} characters of what pilot serves`] };
  const { config, violations } = readProxyConfig(Object.fromEntries(given), ["PROXY_CONFIG"]);
  const problems = violations.map(violationText);
  return Object.keys(config).length > 0 ? { config, problems } : { problems };
}

const known = new WeakMap<ProxyConfig, WeakMap<ServedProxyConfig, ProxyConfig>>();

/** The ProxyConfig of the mesh with what a proxy says itself, field by field. */
export function withOwn(mesh: ProxyConfig, own: ServedProxyConfig | undefined): ProxyConfig {
  if (!own) return mesh;
  const ofMesh = known.get(mesh) ?? new WeakMap<ServedProxyConfig, ProxyConfig>();
  known.set(mesh, ofMesh);
  let found = ofMesh.get(own);
  if (!found) {
    found = joined(withoutOtherTracer(mesh, own), own) as ProxyConfig;
    ofMesh.set(own, found);
  }
  return found;
}

/** A proxy has one tracer. */
function withoutOtherTracer({ tracing, zipkinAddress, ...rest }: ProxyConfig, own: ServedProxyConfig): ProxyConfig {
  const chooses = own.zipkinAddress !== undefined || TRACERS.some((each) => own.tracing?.[each] !== undefined);
  const kept = chooses
    ? Object.fromEntries(
        Object.entries(tracing ?? {}).filter(([name]) => !(TRACERS as readonly string[]).includes(name)),
      )
    : tracing;
  return {
    ...rest,
    ...(kept ? { tracing: kept } : {}),
    ...(zipkinAddress !== undefined && !chooses ? { zipkinAddress } : {}),
  };
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function joined(low: Fields, high: Fields): Fields {
  const result: Record<string, unknown> = { ...low };
  for (const [name, value] of Object.entries(high)) {
    const before = low[name];
    result[name] = isFields(before) && isFields(value) ? joined(before, value) : value;
  }
  return result;
}
