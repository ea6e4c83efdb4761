import { durationOf } from "@xebec/api-envoy";
import { Cluster_DiscoveryType, Cluster_DnsLookupFamily } from "@xebec/api-envoy/envoy/config/cluster/v3/cluster";
import { outboundCluster, sniOf, spiffeId } from "@xebec/model-names";
import type { DestinationRuleSpec } from "@xebec/model-resources";
import type { MeshPort, MeshService } from "@xebec/pilot-registry";
import type { BuiltCluster, ClusterInit } from "../build/built.ts";
import { groupsAt, localitiesOf } from "../endpoint/endpoints.ts";
import { localityBalance } from "../endpoint/locality-balance.ts";
import { configPath } from "../route/config-path.ts";
import type { Place } from "../scope/place.ts";
import { hasOriginalDst, resolutionFor } from "../scope/resolution.ts";
import type { Scope } from "../scope/scope.ts";
import { userUpstreamTls } from "../security/client-tls.ts";
import { mtlsMode } from "../security/mtls.ts";
import { meshUpstreamTls, rawBuffer, type SanMatcher, san } from "../security/tls-context.ts";
import { httpOptions, isHttp2 } from "./cluster-parts.ts";
import { dynamicDiscovery } from "./dynamic-forward-proxy.ts";
import { headerCase } from "./header-case.ts";
import { withMeshDefaults } from "./mesh-defaults.ts";
import { withProxyProtocol } from "./proxy-protocol.ts";
import { serviceRule } from "./service-rule.ts";
import { statName } from "./stat-name.ts";
import { subsetLabels } from "./subset.ts";
import { applyPolicy, type EffectivePolicy, effectivePolicy } from "./traffic-policy.ts";

const LOCALITY_WEIGHTED = { localityConfigSpecifier: { case: "localityWeightedLbConfig", value: {} } };
const ADS = { configSourceSpecifier: { case: "ads" as const, value: {} }, resourceApiVersion: 2 };

/**
 * The clusters of one service: one for each port, and one more for each port and subset
 * (docs/reference/pilot.md §3.2, §4.1).
 * @param place where the client is; absent for what all clients have in common
 * @returns undefined when they depend on the place, and none is given
 */
export function outboundClusters(scope: Scope, service: MeshService, place?: Place): BuiltCluster[] | undefined {
  const rule = serviceRule(scope, service);
  const configKeys = [...service.configKeys, ...(rule?.keys ?? [])];
  const clusters: BuiltCluster[] = [];
  for (const port of service.ports) {
    if (port.protocol === "UDP") continue;
    for (const subset of ["", ...(rule?.spec.subsets ?? []).map((each) => each.name)]) {
      const name = outboundCluster(port.number, subset, service.host);
      const own = forClass(scope, rule?.spec, effectivePolicy(rule?.spec, subset, port.number));
      const policy = withMeshDefaults(scope.mesh, own);
      const init = clusterFor(scope, { service, port, subset, policy }, place);
      if (!init) return undefined;
      const config = rule?.keys[0];
      init.metadata = {
        filterMetadata: {
          istio: {
            services: [{ host: service.host, name: service.name, namespace: service.namespace }],
            ...(config ? { config: configPath(config) } : {}),
            ...(subset ? { subset } : {}),
            ...(service.external ? { external: true } : {}),
          },
        },
      };
      clusters.push({ name, message: init, configKeys });
    }
  }
  return clusters;
}

/** As in Istio, the Secret of a rule for everybody is for gateways alone: sidecars call the host without TLS. */
function forClass(scope: Scope, spec: DestinationRuleSpec | undefined, policy: EffectivePolicy): EffectivePolicy {
  const { tls } = policy;
  const isForWorkloads = Object.keys(spec?.workloadSelector?.matchLabels ?? {}).length > 0;
  if (!tls?.credentialName || scope.proxyClass.type !== "sidecar" || isForWorkloads) return policy;
  return tls.mode === "SIMPLE" || tls.mode === "MUTUAL" ? { ...policy, tls: { mode: "DISABLE" } } : policy;
}

/** A cluster of a service. */
interface ServiceCluster {
  readonly service: MeshService;
  readonly port: MeshPort;
  /** Empty for the whole service. */
  readonly subset: string;
  readonly policy: EffectivePolicy;
}

function clusterFor(scope: Scope, cluster: ServiceCluster, place: Place | undefined): ClusterInit | undefined {
  const { service, port, subset, policy } = cluster;
  const passthrough =
    resolutionFor(scope.proxyClass, service) === "passthrough" ||
    (policy.loadBalancer?.simple === "PASSTHROUGH" && hasOriginalDst(scope.proxyClass));
  const name = outboundCluster(port.number, subset, service.host);
  const init = applyPolicy(policy, scope.mesh.connectTimeoutMs, passthrough);
  init.altStatName = `${statName(scope.mesh.statNames.outbound, name, service, { port, subset })};`;
  init.typedExtensionProtocolOptions = httpOptions(port.protocol, policy, {
    // What a gateway's clients speak says nothing of the server: they always may speak HTTP/2.
    ...(port.protocol === "Auto" && scope.proxyClass.type === "sidecar" ? { downstream: true } : {}),
    http1: headerCase(scope),
  });
  const found = discovery(scope, cluster, passthrough, place);
  if (!found) return undefined;
  const isPlaced = !passthrough && service.resolution !== "dynamic-dns";
  const isWeighted = isPlaced && localityBalance(scope, service, policy) !== undefined;
  if (isWeighted) Object.assign(init, { commonLbConfig: { ...init.commonLbConfig, ...LOCALITY_WEIGHTED } });
  return withProxyProtocol(
    Object.assign(init, found, transportSocket(scope, service, port, subset, policy, passthrough)),
    policy,
  );
}

/** How the hosts of a service's cluster are found; undefined when it depends on a place that is not given. */
function discovery(
  scope: Scope,
  { service, port, subset }: ServiceCluster,
  passthrough: boolean,
  place: Place | undefined,
): ClusterInit | undefined {
  const name = outboundCluster(port.number, subset, service.host);
  if (passthrough) {
    const override = !service.kubernetes && port.targetPort !== port.number ? Number(port.targetPort) : 0;
    return {
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
      ...(override > 0 ? { lbConfig: { case: "originalDstLbConfig", value: { upstreamPortOverride: override } } } : {}),
    };
  }
  if (service.resolution === "dynamic-dns") return dynamicDiscovery(scope);
  if (resolutionFor(scope.proxyClass, service) === "eds")
    return {
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: { edsConfig: { ...ADS, initialFetchTimeout: durationOf(0) }, serviceName: name },
    };
  const labels = subset ? subsetLabels(scope, service, subset) : undefined;
  const groups = groupsAt(scope, service, { number: port.number, name: port.name, subset, labels }, place);
  if (!groups) return undefined;
  // Envoy takes LOGICAL_DNS only with its one host, which a subset's labels may have left out.
  const strict = service.resolution === "dns" || groups.length === 0;
  return {
    clusterDiscoveryType: {
      case: "type",
      value: strict ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.LOGICAL_DNS,
    },
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
    respectDnsTtl: true,
    dnsRefreshRate: durationOf(scope.mesh.dnsRefreshMs),
    loadAssignment: { clusterName: name, endpoints: localitiesOf(groups, port.name) },
  };
}

function transportSocket(
  scope: Scope,
  service: MeshService,
  port: MeshPort,
  subset: string,
  policy: EffectivePolicy,
  passthrough: boolean,
): Pick<ClusterInit, "transportSocket" | "transportSocketMatches"> {
  const http2 = isHttp2(port.protocol, policy);
  const mode = policy.tls?.mode;
  const mesh = () =>
    meshUpstreamTls(
      scope.mesh,
      policy.tls?.sni || sniOf(port.number, subset, service.host),
      policy.tls?.subjectAltNames?.length
        ? policy.tls.subjectAltNames.map((each) => san(each))
        : serverNames(scope, service),
      http2,
    );
  if (policy.tls && mode !== undefined) {
    if (mode === "ISTIO_MUTUAL") return { transportSocket: mesh() };
    if (mode === "SIMPLE" || mode === "MUTUAL")
      return {
        transportSocket: userUpstreamTls(scope, policy.tls, {
          ...{ host: service.host, subjectAltNames: service.subjectAltNames, http2 },
        }),
      };
    return {};
  }
  if (!scope.mesh.autoMtls || service.external || service.resolution === "dynamic-dns") return {};
  const target = { name: service.name, port: port.number, portName: port.name };
  const inferred = mtlsMode(scope, service.namespace, undefined, undefined, target);
  if (inferred === "DISABLE") return {};
  if (passthrough) {
    // Hosts that are known by their address only have no metadata to choose by: all of them, or none.
    const endpoints = scope.endpoints(service);
    return endpoints.length > 0 && endpoints.every((each) => each.mtls) ? { transportSocket: mesh() } : {};
  }
  // Also without an endpoint that has a proxy: endpoints may reach Envoy before their cluster, and the first one with a proxy
  // must not be called in plain text until then.
  return {
    transportSocketMatches: [
      { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: mesh() },
      { name: "tlsMode-disabled", match: {}, transportSocket: rawBuffer() },
    ],
  };
}

/**
 * The SPIFFE ids that a server of this service may have. While none is known, those of its namespace: its first endpoint with a
 * proxy may reach Envoy before the cluster that has the endpoint's own.
 */
export function serverNames(scope: Scope, service: MeshService): SanMatcher[] {
  const known = new Set(service.subjectAltNames);
  let anonymous = false;
  const trustDomains = [scope.mesh.trustDomain, ...scope.mesh.trustDomainAliases];
  for (const { serviceAccount, mtls } of scope.endpoints(service))
    if (serviceAccount) for (const trustDomain of trustDomains) known.add(spiffeId({ trustDomain, ...serviceAccount }));
    else if (mtls) anonymous = true;
  if (known.size > 0 || anonymous) return [...known].sort().map((each) => san(each));
  return trustDomains.map((each) => san(`spiffe://${each}/ns/${service.namespace}/`, "prefix"));
}
