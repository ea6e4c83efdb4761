import { isIP } from "node:net";
import { isHttp, isTls, protocolByName } from "@xebec/model-names";
import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isLabel } from "../../rules/names.ts";
import type { GatewayServer, GatewaySpec } from "./schema.ts";
import { checkServerTls } from "./server-tls-rules.ts";

const UNIX = "unix://";

/** VirtualServices name a Gateway after its namespace and a slash, or with dots, so its own name has none. */
export function checkGatewayName(name: string, check: Checker): void {
  if (!isLabel(name)) check.fail(["metadata", "name"], `"${name}" is not a name of a Gateway: letters, digits and -`);
}

/** Semantic rules of a Gateway (docs/reference/platform.md §3.11). */
export function checkGateway(spec: GatewaySpec, check: Checker): void {
  const names = new Set<string>();
  for (const [i, server] of spec.servers.entries()) {
    const path = ["spec", "servers", i];
    const { port } = server;
    if (!port.name) check.fail([...path, "port", "name"], "is required");
    else if (names.has(port.name)) check.fail([...path, "port", "name"], `the port name "${port.name}" is used twice`);
    else names.add(port.name);
    if (port.targetPort !== undefined)
      check.fail([...path, "port", "targetPort"], "has no effect at a Gateway; leave it out");
    for (const [j, host] of server.hosts.entries()) checkHost(host, [...path, "hosts", j], check);
    checkBind(server, path, check);
    checkProtocol(server, path, check);
    checkServerTls(server.tls, [...path, "tls"], check);
  }
}

/** HOST or NAMESPACE/HOST, where the namespace may be `*` or `.`. */
function checkHost(text: string, path: Path, check: Checker): void {
  const slash = text.indexOf("/");
  const namespace = text.slice(0, Math.max(slash, 0));
  const host = text.slice(slash + 1);
  if (slash >= 0 && namespace !== "*" && namespace !== "." && !isLabel(namespace))
    check.fail(path, `"${namespace}" is not a namespace; write NAMESPACE/HOST, ./HOST or */HOST`);
  check.host(host, path, { ip: true, short: false });
  if (host.includes("*") && host !== "*" && !host.startsWith("*."))
    check.fail(path, `"${host}" has a wildcard for a part of a label; write *. and a domain`);
}

function checkBind({ bind = "", port: { number = 0 } }: GatewayServer, path: Path, check: Checker): void {
  const isSocket = bind.startsWith(UNIX);
  if (isSocket && number !== 0) check.fail([...path, "port", "number"], "must be 0 or left out: bind is a Unix socket");
  if (!isSocket && number === 0) check.fail([...path, "port", "number"], "is required; write a port from 1 to 65535");
  if (isSocket) {
    const socket = bind.slice(UNIX.length);
    if (!/^[/@]./.test(socket)) check.fail([...path, "bind"], `"${bind}" is not a Unix socket; write unix:///PATH`);
  } else if (bind && isIP(bind.replace(/%.*$/, "")) === 0)
    check.fail([...path, "bind"], `"${bind}" is not an IP address, nor unix:///PATH`);
}

function checkProtocol({ port, tls }: GatewayServer, path: Path, check: Checker): void {
  const protocol = protocolByName(port.protocol);
  if (!protocol) {
    const known = "HTTP, HTTPS, HTTP2, GRPC, GRPC-Web, TCP, TLS, Mongo, Redis, MySQL";
    check.fail([...path, "port", "protocol"], `"${port.protocol}" is none of ${known}`);
    return;
  }
  if (isTls(protocol)) {
    if (!tls) check.fail([...path, "tls"], `is required for protocol ${port.protocol}`);
    else if (tls.httpsRedirect) check.warn([...path, "tls", "httpsRedirect"], "is for servers of plain HTTP");
    return;
  }
  if (!tls) return;
  const passes = tls.mode === undefined || tls.mode === "PASSTHROUGH" || tls.mode === "AUTO_PASSTHROUGH";
  if (!isHttp(protocol) || !passes || tls.caCertificates || tls.privateKey || tls.serverCertificate)
    check.fail([...path, "tls"], `protocol ${port.protocol} takes no TLS but httpsRedirect`);
}
