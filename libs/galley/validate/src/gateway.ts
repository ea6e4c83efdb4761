import { protocolByName } from "@xebec/model-names";
import type { GatewaySpec } from "@xebec/model-resources";
import type { Checker } from "./rules.ts";

const PROTOCOLS = ["HTTP", "HTTPS", "GRPC", "GRPC-Web", "HTTP2", "TCP", "TLS", "Mongo"];

/** Semantic rules of a Gateway (spec/platform.md §3.11). */
export function checkGateway(spec: GatewaySpec, check: Checker): void {
  const names = new Set<string>();
  for (const [i, server] of spec.servers.entries()) {
    const path = ["spec", "servers", i];
    const { port, tls } = server;
    const protocol = protocolByName(port.protocol);
    if (!protocol || !PROTOCOLS.includes(protocol))
      check.fail([...path, "port", "protocol"], `"${port.protocol}" is none of ${PROTOCOLS.join(", ")}`);
    if (!port.name) check.fail([...path, "port", "name"], "is required");
    else if (names.has(port.name)) check.fail([...path, "port", "name"], `the port name "${port.name}" is used twice`);
    else names.add(port.name);
    for (const [j, host] of server.hosts.entries()) {
      const parts = host.split("/");
      if (parts.length > 2) check.fail([...path, "hosts", j], `"${host}" is not HOST or NAMESPACE/HOST`);
      else check.host(parts.at(-1) as string, [...path, "hosts", j], { short: false });
    }
    const needsTls = protocol === "HTTPS" || protocol === "TLS";
    if (needsTls && !tls) check.fail([...path, "tls"], `is required for protocol ${port.protocol}`);
    if (tls && !needsTls && (tls.mode !== undefined || !tls.httpsRedirect))
      check.fail([...path, "tls"], `protocol ${port.protocol} takes no TLS but httpsRedirect`);
    if (
      tls &&
      (tls.mode === "SIMPLE" || tls.mode === "MUTUAL" || tls.mode === "OPTIONAL_MUTUAL") &&
      !tls.credentialName
    ) {
      if (!tls.serverCertificate || !tls.privateKey)
        check.fail([...path, "tls"], `mode ${tls.mode} needs credentialName, or serverCertificate and privateKey`);
      if (tls.mode !== "SIMPLE" && !tls.caCertificates)
        check.fail([...path, "tls", "caCertificates"], `is required for mode ${tls.mode}`);
    }
    if (tls?.mode === "ISTIO_MUTUAL" && (tls.credentialName || tls.serverCertificate || tls.privateKey))
      check.fail([...path, "tls"], "mode ISTIO_MUTUAL uses the mesh's own certificates; none can be given");
  }
}
