import type { Endpoint, EndpointSlice, Service, ServicePort } from "../api/types.ts";

export interface ProxyOptions {
  /** The name of the nftables table. */
  readonly table: string;
  /** The node's address, where NodePorts are served. */
  readonly nodeIp: string;
  /** The node's name, for traffic policies that are local. */
  readonly nodeNames: readonly string[];
}

interface Target {
  readonly ip: string;
  readonly port: number;
}

/** Where one port of a Service leads. */
interface Route {
  readonly proto: "tcp" | "udp" | "sctp";
  /** Addresses with ports that clients use. */
  readonly fronts: readonly Target[];
  readonly targets: readonly Target[];
  readonly sticky: boolean;
  readonly title: string;
}

/**
 * The rules that make Services of their endpoints, as kube-proxy does: one table of nftables, which replaces the one before at
 * once. Connections are spread at random, by the client's address with `sessionAffinity: ClientIP`; a Service without ready
 * endpoints refuses; a pod may reach itself through its Service.
 * @returns a script for `nft -f`
 */
export function serviceRules(
  services: readonly Service[],
  slices: ReadonlyMap<string, readonly EndpointSlice[]>,
  options: ProxyOptions,
): string {
  const routes = services.flatMap((service) =>
    routesOf(service, slices.get(`${service.metadata.namespace}/${service.metadata.name}`) ?? [], options),
  );
  const served = routes.filter(({ targets }) => targets.length > 0);
  const refused = routes.filter(({ targets }) => targets.length === 0);
  const chains = served.map((route, index) => [`  chain s${index} {`, `    ${dnat(route)}`, `  }`].join("\n"));
  const fronts = served.flatMap(({ fronts, proto }, index) =>
    fronts.map(({ ip, port }) => `${ip} . ${proto} . ${port} : goto s${index}`),
  );
  const unreachable = refused.flatMap(({ fronts, proto }) =>
    fronts.map(({ ip, port }) => `${ip} . ${proto} . ${port}`),
  );
  const own = [...new Set(served.flatMap(({ targets }) => targets.map(({ ip }) => `${ip} . ${ip}`)))];
  const { table } = options;
  return [
    `table ip ${table} {}`,
    `delete table ip ${table}`,
    `table ip ${table} {`,
    "  map fronts {",
    "    type ipv4_addr . inet_proto . inet_service : verdict",
    ...elements(unique(fronts)),
    "  }",
    "  set refused {",
    "    type ipv4_addr . inet_proto . inet_service",
    ...elements(unique(unreachable)),
    "  }",
    "  set own {",
    "    type ipv4_addr . ipv4_addr",
    ...elements(own),
    "  }",
    ...chains,
    "  chain services {",
    "    ip daddr . meta l4proto . th dport vmap @fronts",
    "  }",
    "  chain prerouting {",
    "    type nat hook prerouting priority -100; policy accept;",
    "    meta l4proto { tcp, udp, sctp } jump services",
    "  }",
    "  chain output {",
    "    type nat hook output priority -100; policy accept;",
    "    meta l4proto { tcp, udp, sctp } jump services",
    "  }",
    "  chain postrouting {",
    "    type nat hook postrouting priority 100; policy accept;",
    "    ct status dnat ip saddr . ip daddr @own masquerade",
    // To the host, which knows no way back to pods.
    '    oifname "eth0" masquerade',
    "  }",
    "  chain refuse {",
    "    meta l4proto . th dport vmap {}",
    "  }",
    "  chain forward {",
    "    type filter hook forward priority 0; policy accept;",
    "    ip daddr . meta l4proto . th dport @refused reject with icmp port-unreachable",
    "  }",
    "  chain locally {",
    "    type filter hook output priority 0; policy accept;",
    "    ip daddr . meta l4proto . th dport @refused reject with icmp port-unreachable",
    "  }",
    "}",
    "",
  ]
    .filter((line) => !line.includes("vmap {}"))
    .join("\n");
}

function elements(list: readonly string[]): string[] {
  return list.length > 0 ? [`    elements = { ${list.join(",\n      ")} }`] : [];
}

/** Two Services may claim one address and port, for example of the node; the first one has it. */
function unique(list: readonly string[]): string[] {
  const found = new Map<string, string>();
  for (const each of list) {
    const key = each.split(" : ")[0] as string;
    if (!found.has(key)) found.set(key, each);
  }
  return [...found.values()];
}

function dnat({ targets, sticky, proto }: Route): string {
  const choice = sticky ? `jhash ip saddr mod ${targets.length}` : `numgen random mod ${targets.length}`;
  const list = targets.map(({ ip, port }, index) => `${index} : ${ip} . ${port}`).join(", ");
  const [first] = targets;
  return targets.length === 1 && first
    ? `meta l4proto ${proto} dnat to ${first.ip}:${first.port}`
    : `meta l4proto ${proto} dnat ip to ${choice} map { ${list} }`;
}

function routesOf(service: Service, slices: readonly EndpointSlice[], { nodeIp, nodeNames }: ProxyOptions): Route[] {
  const { metadata, spec } = service;
  const { clusterIP, externalIPs = [], type = "ClusterIP" } = spec;
  if (type === "ExternalName" || !clusterIP || clusterIP === "None" || clusterIP.includes(":")) return [];
  const balancers = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  return (spec.ports ?? []).flatMap((port): Route[] => {
    const proto = (port.protocol ?? "TCP").toLowerCase() as Route["proto"];
    const usable = (local: boolean): Target[] => targetsOf(port, slices, local ? nodeNames : undefined);
    const title = `${metadata.namespace}/${metadata.name}:${port.name ?? port.port}`;
    const base = { proto, title, sticky: spec.sessionAffinity === "ClientIP" };
    const outside: Target[] = [
      ...[...externalIPs, ...balancers].map((ip) => ({ ip, port: port.port })),
      ...(port.nodePort ? [{ ip: nodeIp, port: port.nodePort }] : []),
    ];
    const inside = [{ ip: clusterIP, port: port.port }];
    const routes: Route[] = [
      { ...base, fronts: inside, targets: usable(spec.internalTrafficPolicy === "Local") },
      { ...base, fronts: outside, targets: usable(spec.externalTrafficPolicy === "Local") },
    ];
    return routes.filter(({ fronts }) => fronts.length > 0);
  });
}

/** The addresses behind a port: ready ones; when there are none, those that still serve while they end (KEP-1669). */
function targetsOf(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  nodes: readonly string[] | undefined,
): Target[] {
  const pick = (wanted: (endpoint: Endpoint) => boolean): Target[] => {
    const found = new Map<string, Target>();
    for (const { addressType, endpoints, ports } of slices) {
      if (addressType !== "IPv4") continue;
      const number = (ports ?? []).find((each) => (each.name ?? "") === (port.name ?? ""))?.port;
      if (number === undefined) continue;
      for (const endpoint of endpoints ?? []) {
        if (!wanted(endpoint) || (nodes && !nodes.includes(endpoint.nodeName ?? ""))) continue;
        for (const ip of endpoint.addresses) found.set(`${ip}:${number}`, { ip, port: number });
      }
    }
    return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target);
  };
  const ready = pick(({ conditions }) => conditions?.ready !== false);
  return ready.length > 0
    ? ready
    : pick(({ conditions }) => conditions?.serving === true && conditions.terminating === true);
}
