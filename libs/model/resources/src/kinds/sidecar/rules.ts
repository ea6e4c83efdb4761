import { isHttp, isTls, protocolByName } from "@xebec/model-names";
import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isIp, isLabel } from "../../rules/names.ts";
import { checkConnectionPool } from "../destination-rule/connection-pool-rules.ts";
import { checkServerTls } from "../gateway/server-tls-rules.ts";
import { checkEgressHosts } from "./egress-host-rules.ts";
import type { SidecarEgress, SidecarIngress, SidecarSpec } from "./schema.ts";

const UNIX = "unix://";

/** Semantic rules of a Sidecar (docs/reference/pilot.md §3.5). */
export function checkSidecar(spec: SidecarSpec, check: Checker): void {
  const { workloadSelector, ingress = [], egress = [], outboundTrafficPolicy, inboundConnectionPool } = spec;
  if (workloadSelector) check.selector(workloadSelector.labels ?? {}, ["spec", "workloadSelector"]);
  if (egress.length === 0 && ingress.length === 0 && !outboundTrafficPolicy && !inboundConnectionPool)
    check.fail(["spec"], "says nothing: write egress, ingress, outboundTrafficPolicy or inboundConnectionPool");
  const served = new Set<number>();
  for (const [i, each] of ingress.entries()) {
    const path = ["spec", "ingress", i];
    checkIngress(each, path, check);
    if (served.has(each.port.number)) check.fail([...path, "port"], `port ${each.port.number} is there twice`);
    served.add(each.port.number);
  }
  checkConnectionPool(inboundConnectionPool, ["spec", "inboundConnectionPool"], check);
  checkEgress(egress, check);
  checkOutboundPolicy(outboundTrafficPolicy, ["spec", "outboundTrafficPolicy"], check);
}

function checkIngress(
  { port, bind, defaultEndpoint, tls, connectionPool }: SidecarIngress,
  path: Path,
  check: Checker,
) {
  checkPort(port, [...path, "port"], check);
  if (bind && !isIp(bind)) check.fail([...path, "bind"], `"${bind}" is not an IP address`);
  if (defaultEndpoint) checkEndpoint(defaultEndpoint, [...path, "defaultEndpoint"], check);
  const protocol = protocolByName(port.protocol);
  if (tls) {
    const at = [...path, "tls"];
    if (tls.mode === "ISTIO_MUTUAL" || tls.mode === "AUTO_PASSTHROUGH")
      check.fail([...at, "mode"], `cannot be ${tls.mode} here`);
    else if (protocol && !isTls(protocol)) check.fail(at, `protocol ${port.protocol} takes no TLS; write HTTPS or TLS`);
    else checkServerTls(tls, at, check);
  }
  checkConnectionPool(connectionPool, [...path, "connectionPool"], check);
  if (connectionPool?.http && protocol && !isHttp(protocol))
    check.warn([...path, "connectionPool", "http"], `has no effect: the port's protocol is ${port.protocol}, not HTTP`);
}

function checkEndpoint(text: string, path: Path, check: Checker): void {
  if (text.startsWith(UNIX)) {
    checkSocket(text, path, check);
    return;
  }
  const {
    v6,
    host = v6,
    number = "",
  } = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^[\]:]*)):(?<number>.*)$/.exec(text)?.groups ?? {};
  if (host === undefined || !["", "127.0.0.1", "0.0.0.0", "::1", "::"].includes(host))
    check.fail(
      path,
      `"${text}" is not an endpoint; write 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, [::]:PORT or unix:///PATH`,
    );
  else if (!/^\d{1,5}$/.test(number) || Number(number) < 1 || Number(number) > 65_535)
    check.fail(path, `"${number}" is not a port`);
}

function checkSocket(text: string, path: Path, check: Checker): void {
  const name = text.slice(UNIX.length);
  if (name === "") check.fail(path, "has no path of a Unix socket");
  else if (!name.startsWith("/") && !name.startsWith("@"))
    check.fail(path, `"${name}" is neither an absolute path nor, with @, the name of an abstract socket`);
}

function checkEgress(egress: readonly SidecarEgress[], check: Checker): void {
  const ports = new Set<number>();
  const sockets = new Set<string>();
  for (const [i, { port, bind, captureMode, hosts }] of egress.entries()) {
    const path = ["spec", "egress", i];
    checkEgressHosts(hosts, [...path, "hosts"], check);
    if (!port) {
      if (i < egress.length - 1)
        check.fail([...path, "port"], "only the last listener may have none: it takes all other ports");
      continue;
    }
    checkPort(port, [...path, "port"], check);
    if (port.number > 0) {
      if (bind && !isIp(bind)) check.fail([...path, "bind"], `"${bind}" is not an IP address`);
      if (ports.has(port.number)) check.fail([...path, "port"], `port ${port.number} is there twice`);
      ports.add(port.number);
      continue;
    }
    if (!bind?.startsWith(UNIX)) check.fail([...path, "bind"], "port 0 needs a Unix socket: unix:///PATH");
    else checkSocket(bind, [...path, "bind"], check);
    if (captureMode === "IPTABLES") check.fail([...path, "captureMode"], "a Unix socket takes DEFAULT or NONE");
    if (sockets.has(bind ?? "")) check.fail([...path, "bind"], `the socket ${bind} is there twice`);
    sockets.add(bind ?? "");
  }
}

function checkPort(
  { protocol, name, targetPort }: { protocol: string; name?: string; targetPort?: number },
  path: Path,
  check: Checker,
): void {
  if (!protocolByName(protocol)) {
    const known = "HTTP, HTTPS, HTTP2, GRPC, GRPC-Web, TCP, TLS, Mongo, Redis, MySQL";
    check.fail([...path, "protocol"], `"${protocol}" is none of ${known}`);
  }
  if (name && !isLabel(name)) check.fail([...path, "name"], `"${name}" is not a name: letters, digits and -`);
  if (targetPort !== undefined) check.fail([...path, "targetPort"], "has no effect in a Sidecar; leave it out");
}

function checkOutboundPolicy(policy: SidecarSpec["outboundTrafficPolicy"], path: Path, check: Checker): void {
  const { mode = "REGISTRY_ONLY", egressProxy } = policy ?? {};
  if (!egressProxy) return;
  const at = [...path, "egressProxy"];
  if (mode !== "ALLOW_ANY") {
    check.fail(at, "needs mode ALLOW_ANY");
    return;
  }
  check.name(egressProxy.host, [...at, "host"]);
  if (!egressProxy.host.includes(".")) check.fail([...at, "host"], `"${egressProxy.host}" must be a full name`);
  if (egressProxy.port?.number === undefined) check.fail([...at, "port"], "is required");
  if (egressProxy.subset !== undefined && !isLabel(egressProxy.subset))
    check.fail([...at, "subset"], `"${egressProxy.subset}" is not a name: letters, digits and -`);
}
