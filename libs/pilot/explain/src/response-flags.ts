/** What a response flag of Envoy means, and what mostly causes it within a mesh, the likeliest first. */
export interface FlagMeaning {
  readonly flag: string;
  readonly meaning: string;
  readonly causes: readonly string[];
}

/** Envoy's response flags (envoyproxy.io, "Access logging", %RESPONSE_FLAGS%). */
const MEANINGS: Readonly<Record<string, readonly [meaning: string, ...causes: string[]]>> = {
  DC: [
    "the client closed the connection before the answer was complete",
    "a timeout of the client is shorter than the answer takes",
    "the client was ended",
  ],
  DF: [
    "the host's name could not be resolved",
    "the host of a ServiceEntry or ExternalName is misspelt",
    "the DNS server of the proxy is not reachable",
  ],
  DI: ["a fault injected a delay", "a VirtualService has `fault.delay`"],
  DPE: [
    "the client's bytes are not HTTP",
    "the port's name or `appProtocol` says HTTP, and another protocol is spoken",
    "a client speaks TLS to a plaintext port",
  ],
  DR: ["the client reset its stream", "the client gave up"],
  DT: ["the request took longer than the longest duration", "`maxRequestDuration`, or the timeout of a stream"],
  FI: ["a fault aborted the request", "a VirtualService has `fault.abort`"],
  IH: ["a header of the request is not valid", "a client sends a header that Envoy checks strictly"],
  LH: ["the local service failed its health check", "the application does not answer its health check"],
  LR: [
    "the connection was reset locally",
    "the listener's or the cluster's configuration changed",
    "the proxy was drained",
  ],
  NC: [
    "the cluster of the route does not exist",
    "a destination's subset is in no DestinationRule",
    "the DestinationRule is not visible to the client (`exportTo`)",
    "the proxy has not got the change yet: `xebec proxy-status`",
  ],
  NFCF: [
    "no filter chain takes the connection",
    "plaintext to a workload whose PeerAuthentication is STRICT",
    "SNI that no server of the Gateway has",
  ],
  NR: [
    "no route takes the request",
    "the header Host is of no service and no VirtualService",
    "no rule of the VirtualService matches, and there is none without match",
    "the Gateway's `hosts` and the VirtualService's differ",
    "`outboundTrafficPolicy` is REGISTRY_ONLY",
  ],
  OM: ["the proxy is out of memory for new requests", "the overload manager of the bootstrap stopped requests"],
  RFCF: [
    "a filter's configuration could not be fetched",
    "a WasmPlugin or EnvoyFilter whose extension configuration did not come",
  ],
  RL: ["the rate was limited", "a quota or a local rate limit"],
  RLSE: ["the rate limit service failed", "the service that decides on rates does not answer"],
  SI: ["the stream was idle for too long", "the idle timeout of the route"],
  UAEX: [
    "the request was denied by an authorizer",
    "a Mixer rule denies it, or mixer-policy does not answer in fail-close mode",
    "an AuthorizationPolicy with the action CUSTOM",
  ],
  UC: [
    "the server closed the connection",
    "the application's keep-alive timeout is shorter than the proxy's idle timeout",
    "the application crashed",
    "the server expects TLS, or refuses the client's certificate",
  ],
  UF: [
    "the connection to the server failed",
    "nobody listens at the port of the endpoint",
    "one side expects mutual TLS and the other does not: compare PeerAuthentication with the DestinationRule's `tls`",
    "the server's certificate is not trusted, or has another name",
    "the pod is gone, and its endpoint is not withdrawn yet",
  ],
  UH: [
    "there is no healthy server",
    "the service has no ready pod",
    "the labels of the subset fit no pod",
    "outlier detection ejected all of them",
  ],
  UMSDR: ["the request took longer than the longest duration of a stream", "the route's timeout"],
  UO: ["a circuit breaker is open", "`connectionPool` of a DestinationRule: too many connections or pending requests"],
  UPE: [
    "the server's bytes are not HTTP",
    "the port's name or `appProtocol` says HTTP, and another protocol is spoken",
    "HTTP/2 to a server that knows HTTP/1.1 only",
  ],
  UR: ["the server reset the stream", "the application ended the request without an answer"],
  URX: ["all retries or connection attempts are used up", "the server failed each time: look at its own access log"],
  UT: ["the server did not answer in time", "the VirtualService's `timeout` is too short", "the application is slow"],
};

/** The flags with which Envoy itself answers with a status, the commonest first (envoyproxy.io, "Access logging"). */
const BY_STATUS: Readonly<Record<string, string>> = {
  "400": "DPE,IH",
  "403": "UAEX",
  "404": "NR",
  "408": "SI",
  "429": "RL",
  "502": "UPE",
  "503": "UF,UH,UC,NC,UO,LR,UR,URX",
  "504": "UT",
};

/** The flags that an answer of Envoy's with this status may have; empty where only an application gives it. */
export function flagsOfStatus(code: string): string {
  return BY_STATUS[code] ?? "";
}

/** The meanings of flags, such as `UF,URX`; undefined flags are left out. */
export function flagMeanings(flags: string): FlagMeaning[] {
  return flags.split(",").flatMap((flag) => {
    const found = MEANINGS[flag.trim()];
    if (!found || !Object.hasOwn(MEANINGS, flag.trim())) return [];
    const [meaning, ...causes] = found;
    return [{ flag: flag.trim(), meaning, causes }];
  });
}

export const RESPONSE_FLAGS: readonly string[] = Object.keys(MEANINGS);
