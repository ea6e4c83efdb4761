/** Protocols of service ports and how a port's protocol is found (docs/reference/pilot.md §1.2). */
export type PortProtocol =
  | "HTTP"
  | "HTTP2"
  | "GRPC"
  | "GRPC-Web"
  | "TCP"
  | "HTTPS"
  | "TLS"
  | "Mongo"
  | "Redis"
  | "MySQL"
  | "UDP"
  | "Auto";

const BY_NAME: ReadonlyMap<string, PortProtocol> = mapOf({
  http: "HTTP",
  http2: "HTTP2",
  grpc: "GRPC",
  "grpc-web": "GRPC-Web",
  tcp: "TCP",
  https: "HTTPS",
  tls: "TLS",
  mongo: "Mongo",
  redis: "Redis",
  mysql: "MySQL",
  udp: "UDP",
});
const APP_PROTOCOLS = mapOf({
  "kubernetes.io/h2c": "HTTP2",
  "kubernetes.io/ws": "HTTP",
  "kubernetes.io/wss": "HTTPS",
});
const WELL_KNOWN_TCP: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/** The protocol that a whole text names, in any case; undefined for an unknown one. */
export function protocolByName(text: string): PortProtocol | undefined {
  return BY_NAME.get(text.toLowerCase());
}

/** The protocol of a Kubernetes service port: transport, appProtocol, name prefix, well-known number; `Auto` is sniffed. */
export function protocolOfServicePort(port: {
  readonly name: string;
  readonly port: number;
  readonly protocol?: string;
  readonly appProtocol?: string;
}): PortProtocol {
  if (port.protocol === "UDP") return "UDP";
  if (port.appProtocol) return APP_PROTOCOLS.get(port.appProtocol) ?? protocolByName(port.appProtocol) ?? "Auto";
  const name = port.name.toLowerCase();
  if (name === "grpc-web" || name.startsWith("grpc-web-")) return "GRPC-Web";
  const named = BY_NAME.get(name.split("-")[0] as string);
  if (named && named !== "UDP") return named;
  return WELL_KNOWN_TCP.has(port.port) ? "TCP" : "Auto";
}

/** True for the protocols that Envoy's HTTP connection manager handles. */
export function isHttp(protocol: PortProtocol): boolean {
  return protocol === "HTTP" || protocol === "HTTP2" || protocol === "GRPC" || protocol === "GRPC-Web";
}

/** True for the protocols whose handshake names the server. */
export function isTls(protocol: PortProtocol): boolean {
  return protocol === "TLS" || protocol === "HTTPS";
}

/** Not a plain object: a user's text such as `constructor` must not find what every object has. */
function mapOf(protocols: Readonly<Record<string, PortProtocol>>): ReadonlyMap<string, PortProtocol> {
  return new Map(Object.entries(protocols));
}
