import { type ConfigOf, defineConfig, option } from "@xebec/core-config";

/** The flags of `istio-iptables` (docs/reference/platform.md §5.2). A variable has the flag's name in upper snake case. */
export const CaptureConfig = defineConfig({
  service: "istio-iptables",
  summary: "takes the traffic of the pod that it runs in to its proxy",
  subcommand: "istio-iptables",
  options: {
    "envoy-port": option.port("port of the proxy for outbound traffic", 15_001),
    "inbound-capture-port": option.port("its port for inbound traffic", 15_006, { env: "INBOUND_CAPTURE_PORT" }),
    "inbound-tunnel-port": option.port("port that tunnels come in on; it is not captured", 15_008, {
      env: "INBOUND_TUNNEL_PORT",
    }),
    "proxy-uid": option.string("users whose traffic is the proxy's own, comma separated", "", { env: "PROXY_UID" }),
    "proxy-gid": option.string("groups whose traffic is the proxy's own, comma separated", "", { env: "PROXY_GID" }),
    "istio-inbound-interception-mode": option.string("REDIRECT or TPROXY", "", {
      env: "ISTIO_INBOUND_INTERCEPTION_MODE",
    }),
    "istio-inbound-ports": option.string("inbound ports to capture, * for all, empty for none", "", {
      env: "ISTIO_INBOUND_PORTS",
    }),
    "istio-local-exclude-ports": option.string("inbound ports to leave alone, with *", "", {
      env: "ISTIO_LOCAL_EXCLUDE_PORTS",
    }),
    "istio-exclude-interfaces": option.string("interfaces whose traffic is left alone", "", {
      env: "ISTIO_EXCLUDE_INTERFACES",
    }),
    "istio-service-cidr": option.string("destinations to capture, * for all, empty for none", "", {
      env: "ISTIO_SERVICE_CIDR",
    }),
    "istio-service-exclude-cidr": option.string("destinations to leave alone, with *", "", {
      env: "ISTIO_SERVICE_EXCLUDE_CIDR",
    }),
    "istio-outbound-ports": option.string("destination ports to capture beside the addresses", "", {
      env: "ISTIO_OUTBOUND_PORTS",
    }),
    "istio-local-outbound-ports-exclude": option.string("destination ports to leave alone", "", {
      env: "ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE",
    }),
    "kube-virt-interfaces": option.string("interfaces of virtual machines whose inbound traffic is outbound", "", {
      env: "KUBE_VIRT_INTERFACES",
    }),
    "istio-inbound-tproxy-mark": option.number("mark of connections with TPROXY", 1_337, {
      env: "ISTIO_INBOUND_TPROXY_MARK",
    }),
    "istio-inbound-tproxy-route-table": option.number("routing table for them", 133, {
      env: "ISTIO_INBOUND_TPROXY_ROUTE_TABLE",
    }),
    "dry-run": option.boolean("print the rules, change nothing", false, { env: "DRY_RUN" }),
    "iptables-probe-port": option.port("port that the validation calls", 15_002, { env: "IPTABLES_PROBE_PORT" }),
    "probe-timeout": option.string("how long the validation tries", "5s", { env: "PROBE_TIMEOUT" }),
    "skip-rule-apply": option.boolean("apply no rules", false, { env: "SKIP_RULE_APPLY" }),
    "run-validation": option.boolean("check that traffic is captured; exit code 126 when it is not", false, {
      env: "RUN_VALIDATION",
    }),
    "redirect-dns": option.boolean("capture DNS", false, { env: "ISTIO_META_DNS_CAPTURE" }),
    "capture-all-dns": option.boolean("DNS to any server, not only to those of /etc/resolv.conf", false, {
      env: "CAPTURE_ALL_DNS",
    }),
    "drop-invalid": option.boolean("drop packets of no known connection", false, { env: "INVALID_DROP" }),
    "dual-stack": option.boolean("rules for IPv6 when any address is", false, { env: "ISTIO_DUAL_STACK" }),
    "network-namespace": option.string("path of the network namespace to work in", "", { env: "NETWORK_NAMESPACE" }),
    reconcile: option.boolean("replace rules that differ", false, { env: "RECONCILE" }),
    "cleanup-only": option.boolean("remove the rules", false, { env: "CLEANUP_ONLY" }),
    "force-apply": option.boolean("apply the rules whatever is there", false, { env: "FORCE_APPLY" }),
    "force-iptables-binary": option.string("legacy or nft", "", { env: "FORCE_IPTABLES_BINARY" }),
    "outbound-ipv4-loopback-cidr": option.string("what counts as loopback", "127.0.0.1/32", {
      env: "ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR",
    }),
    "outbound-owner-groups": option.string("groups whose outbound traffic is captured, * for all", "*", {
      env: "ISTIO_OUTBOUND_OWNER_GROUPS",
    }),
    "outbound-owner-groups-exclude": option.string("groups whose outbound traffic is left alone", "", {
      env: "ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE",
    }),
  },
  aliases: {
    p: "envoy-port",
    z: "inbound-capture-port",
    e: "inbound-tunnel-port",
    u: "proxy-uid",
    g: "proxy-gid",
    m: "istio-inbound-interception-mode",
    b: "istio-inbound-ports",
    d: "istio-local-exclude-ports",
    c: "istio-exclude-interfaces",
    i: "istio-service-cidr",
    x: "istio-service-exclude-cidr",
    q: "istio-outbound-ports",
    o: "istio-local-outbound-ports-exclude",
    k: "kube-virt-interfaces",
    t: "istio-inbound-tproxy-mark",
    r: "istio-inbound-tproxy-route-table",
    n: "dry-run",
  },
  ignored: {
    "native-nftables": "switch",
    "cni-mode": "switch",
    log_output_level: "value",
    log_as_json: "switch",
    log_target: "value",
    log_caller: "value",
    log_stacktrace_level: "value",
  },
});

export type CaptureOptions = ConfigOf<typeof CaptureConfig>;
