import { type Identity, spiffeId } from "@xebec/model-names";
import type { SubjectNames } from "@xebec/model-pki";

const ALL = [
  "istio-pilot",
  "istio-galley",
  "istio-citadel",
  "istio-sidecar-injector",
  "istio-policy",
  "istio-telemetry",
];

/** Services by the service account that runs them. */
const SERVICES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    // Today's agents know pilot as istiod.
    "istio-pilot-service-account": ["istio-pilot", "istiod"],
    "istio-galley-service-account": ["istio-galley"],
    "istio-citadel-service-account": ["istio-citadel"],
    "istio-sidecar-injector-service-account": ["istio-sidecar-injector"],
    "istio-mixer-service-account": ["istio-policy", "istio-telemetry"],
    "istiod-service-account": [...ALL, "istiod"],
    istiod: [...ALL, "istiod"],
  }),
);

/** The DNS names of the services that a service account runs. @param home the namespace of the control plane */
export function serviceNames({ namespace, serviceAccount }: Identity, home: string): readonly string[] {
  const services = namespace === home ? (SERVICES.get(serviceAccount) ?? []) : [];
  return services.flatMap((each) => [`${each}.${home}.svc`, `${each}.${home}`]);
}

/**
 * The names that a caller gets. Its SPIFFE identity always, whatever it asked for. Services of the control plane also get
 * their own DNS names, since the Kubernetes API server verifies webhooks by name, and loopback addresses; of these only what
 * the request asks for.
 * @param home the namespace of the control plane
 */
export function grantedNames(caller: Identity, asked: SubjectNames, home: string): Partial<SubjectNames> {
  const uris = [spiffeId(caller)];
  const own = new Set(serviceNames(caller, home));
  if (own.size === 0) return { uris };
  return {
    uris,
    dns: asked.dns.filter((name) => own.has(name)),
    ips: asked.ips.filter((ip) => ip.startsWith("127.") || ip === "::1"),
  };
}
