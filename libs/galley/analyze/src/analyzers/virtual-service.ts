import { hostsOverlap } from "@xebec/model-names";
import type { Analyzer } from "../analyzer.ts";
import { type AnalyzedObject, fields, items, text, texts } from "../object.ts";
import { exportsOverlap, type World } from "../world.ts";
import { destinationsOf } from "./destinations.ts";

const GROUP = "networking.istio.io";
const MESH = "mesh";

/** The gateways that a VirtualService is bound to; `mesh` when it names none. */
function gatewaysOf({ spec }: AnalyzedObject): readonly string[] {
  const gateways = texts(spec.gateways);
  return gateways.length > 0 ? gateways : [MESH];
}

/** The Gateway that a VirtualService calls so: `NAME` of its own namespace, or `NAMESPACE/NAME`. */
function findGateway(world: World, from: AnalyzedObject, reference: string): AnalyzedObject | undefined {
  const [namespace, name] = reference.includes("/") ? reference.split("/") : [from.namespace, reference];
  return world.find(GROUP, "Gateway", namespace === "." ? from.namespace : (namespace ?? ""), name ?? "");
}

function hostsOf(world: World, { spec, namespace }: AnalyzedObject): readonly string[] {
  return texts(spec.hosts).map((host) => world.fullHost(host, namespace));
}

/** Destinations are hosts that are there, with their subsets and ports. */
export const destinationHosts: Analyzer = {
  name: "virtualservice.DestinationHostAnalyzer",
  analyze(world, report) {
    for (const object of world.all(GROUP, "VirtualService"))
      for (const { host, port, path } of destinationsOf(object.spec)) {
        const service = world.serviceOf(world.fullHost(host, object.namespace), object.namespace);
        if (!service) {
          report("ReferencedResourceNotFound", object, `the host "${host}" is not found`, [...path, "host"]);
        } else if (port === undefined && service.ports.length > 1) {
          const ports = service.ports.map((each) => text(each.port ?? each.number)).join(", ");
          const what = `the host "${host}" has several ports (${ports}); the destination must name one of them`;
          report("VirtualServiceDestinationPortSelectorRequired", object, what, path);
        } else if (port !== undefined && service.ports.every((each) => Number(each.port ?? each.number) !== port)) {
          const what = `the host "${host}" has no port ${port}`;
          report("ReferencedResourceNotFound", object, what, [...path, "port"]);
        }
      }
  },
};

/** Subsets of destinations are in a DestinationRule. */
export const destinationSubsets: Analyzer = {
  name: "virtualservice.DestinationRuleAnalyzer",
  analyze(world, report) {
    const subsets = new Set(
      world
        .all(GROUP, "DestinationRule")
        .flatMap(({ spec, namespace }) =>
          items(spec.subsets).map(({ name }) => `${world.fullHost(text(spec.host), namespace)} ${text(name)}`),
        ),
    );
    for (const object of world.all(GROUP, "VirtualService"))
      for (const { host, subset, path } of destinationsOf(object.spec)) {
        if (subset === "" || subsets.has(`${world.fullHost(host, object.namespace)} ${subset}`)) continue;
        const what = `no DestinationRule of the host "${host}" has the subset "${subset}"`;
        report("ReferencedResourceNotFound", object, what, [...path, "subset"]);
      }
  },
};

/** Gateways are there, and take the hosts. */
export const gateways: Analyzer = {
  name: "virtualservice.GatewayAnalyzer",
  analyze(world, report) {
    for (const object of world.all(GROUP, "VirtualService"))
      for (const [i, reference] of texts(object.spec.gateways).entries()) {
        if (reference === MESH) continue;
        const gateway = findGateway(world, object, reference);
        const path = ["spec", "gateways", i];
        if (!gateway) {
          report("ReferencedResourceNotFound", object, `the Gateway "${reference}" is not found`, path);
        } else if (!takesAnyHost(gateway, object)) {
          const what = `no server of the Gateway ${gateway.namespace}/${gateway.name} takes all of the hosts ${texts(object.spec.hosts).join(", ")}`;
          report("VirtualServiceHostNotFoundInGateway", object, what, path);
        }
      }
  },
};

function takesAnyHost(gateway: AnalyzedObject, from: AnalyzedObject): boolean {
  const taken = items(gateway.spec.servers).flatMap(({ hosts }) =>
    texts(hosts).flatMap((host) => {
      const [namespace, name] = host.includes("/") ? host.split("/") : ["*", host];
      const wanted = namespace === "." ? gateway.namespace : namespace;
      return wanted === "*" || wanted === from.namespace ? [name ?? ""] : [];
    }),
  );
  return texts(from.spec.hosts).every((host) => taken.some((each) => hostsOverlap(each, host)));
}

/** Two VirtualServices of the mesh for one host: only the older one counts. */
export const conflictingHosts: Analyzer = {
  name: "virtualservice.ConflictingMeshGatewayHostsAnalyzer",
  analyze(world, report) {
    const byHost = Map.groupBy(
      world
        .all(GROUP, "VirtualService")
        .filter((object) => gatewaysOf(object).includes(MESH))
        .flatMap((object) => hostsOf(world, object).map((host) => ({ host, object }))),
      ({ host }) => host,
    );
    for (const [host, found] of byHost) {
      const objects = [...new Set(found.map(({ object }) => object))];
      for (const object of objects) {
        const others = objects.filter((other) => other === object || exportsOverlap(object, other));
        if (others.length < 2) continue;
        const names = others.map(({ namespace, name }) => `${namespace}/${name}`).join(",");
        const what = `the VirtualServices ${names} are all for the host ${host} within the mesh, where only one of them has an effect; merge them`;
        report("ConflictingMeshGatewayVirtualServiceHosts", object, what);
      }
    }
  },
};

/** Rules of the mesh for a host do not hold for requests that a gateway sends there. */
export const gatewayIgnoresMeshRules: Analyzer = {
  name: "virtualservice.GatewayRouteRulesAnalyzer",
  analyze(world, report) {
    const all = world.all(GROUP, "VirtualService");
    const ofMesh = all.filter(
      (object) =>
        gatewaysOf(object).every((each) => each === MESH) &&
        destinationsOf(object.spec).some(({ subset }) => subset !== ""),
    );
    for (const object of all) {
      const gateway = gatewaysOf(object).find((each) => each !== MESH);
      if (gateway === undefined) continue;
      const hosts = new Set(
        destinationsOf(object.spec)
          .filter(({ subset }) => subset === "")
          .map(({ host }) => world.fullHost(host, object.namespace)),
      );
      for (const rule of ofMesh) {
        if (!hostsOf(world, rule).some((host) => hosts.has(host))) continue;
        const what = `requests through the Gateway ${gateway} do not follow the rules of the VirtualService ${rule.namespace}/${rule.name}, which is for the mesh only`;
        report("IngressRouteRulesNotAffected", object, what);
      }
    }
  },
};

const CLAIM = /^@request\.auth\.claims[.[]/;

/** Routing by a token's claims needs a policy that reads the token. */
export const claimsWithoutAuthentication: Analyzer = {
  name: "virtualservice.JWTClaimRouteAnalyzer",
  analyze(world, report) {
    const policies = world.all("security.istio.io", "RequestAuthentication");
    for (const object of world.all(GROUP, "VirtualService")) {
      const usesClaims = items(object.spec.http).some(({ match }) =>
        items(match).some((each) =>
          [each.headers, each.withoutHeaders].some((headers) =>
            Object.keys(fields(headers)).some((name) => CLAIM.test(name)),
          ),
        ),
      );
      if (!usesClaims) continue;
      for (const reference of gatewaysOf(object)) {
        const gateway = reference === MESH ? undefined : findGateway(world, object, reference);
        if (!gateway) continue;
        const selector = fields(gateway.spec.selector) as Record<string, string>;
        const isRead = policies.some((policy) => {
          const wanted = Object.entries(fields(fields(policy.spec.selector).matchLabels));
          const pods = world.podsWith(selector, undefined);
          const namespaces = new Set([gateway.namespace, ...pods.map(({ namespace }) => namespace)]);
          if (policy.namespace !== world.rootNamespace && !namespaces.has(policy.namespace)) return false;
          const labels = [selector, ...pods.map((pod) => pod.labels)];
          return wanted.length === 0 || labels.some((each) => wanted.every(([key, value]) => each[key] === value));
        });
        if (isRead) continue;
        const what = `it routes by claims of tokens (@request.auth.claims), but no RequestAuthentication reads tokens at the Gateway ${gateway.namespace}/${gateway.name}`;
        report("JwtClaimBasedRoutingWithoutRequestAuthN", object, what);
      }
    }
  },
};
