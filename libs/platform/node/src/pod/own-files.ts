import type { Pod } from "../api/types.ts";

/** A pod's /etc/resolv.conf as kubelet writes it. */
export function resolvConf(pod: Pod, domain: string, dnsIp: string): string {
  const { dnsConfig = {}, dnsPolicy = "ClusterFirst" } = pod.spec;
  const own = dnsPolicy === "None";
  const namespace = pod.metadata.namespace ?? "default";
  const servers = [...(own ? [] : [dnsIp]), ...(dnsConfig.nameservers ?? [])];
  const searches = [
    ...(own ? [] : [`${namespace}.svc.${domain}`, `svc.${domain}`, domain]),
    ...(dnsConfig.searches ?? []),
  ];
  const given = dnsConfig.options ?? [];
  const options = [
    ...given.map(({ name, value }) => (value === undefined ? name : `${name}:${value}`)),
    ...(own || given.some(({ name }) => name === "ndots") ? [] : ["ndots:5"]),
  ];
  return [
    ...(searches.length > 0 ? [`search ${[...new Set(searches)].join(" ")}`] : []),
    ...servers.slice(0, 3).map((each) => `nameserver ${each}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
    "",
  ].join("\n");
}

/** A pod's /etc/hosts as kubelet writes it. */
export function hostsFile(pod: Pod, ip: string, domain: string): string {
  const { hostname = pod.metadata.name, subdomain, hostAliases = [] } = pod.spec;
  const full = subdomain ? `${hostname}.${subdomain}.${pod.metadata.namespace}.svc.${domain}\t` : "";
  return [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    `${ip}\t${full}${hostname}`,
    ...hostAliases.map((each) => `${each.ip}\t${(each.hostnames ?? []).join("\t")}`),
    "",
  ].join("\n");
}
