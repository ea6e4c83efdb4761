import { bool, duration, enumeration, field, message, type Static, uint32 } from "@xebec/model-schema";

export const TcpKeepalive = message("ConnectionPoolSettings.TCPSettings.TcpKeepalive", {
  probes: field(uint32(), "How many probes without answer end a connection.", { defaultText: "the system's" }),
  time: field(duration(), "How long a connection is idle before the first probe, in whole seconds.", {
    defaultText: "the system's",
  }),
  interval: field(duration(), "The time between probes, in whole seconds.", { defaultText: "the system's" }),
});

const TcpSettings = message("ConnectionPoolSettings.TCPSettings", {
  maxConnections: field(uint32(), "Most connections to all endpoints together. 0 means no limit.", {
    defaultText: "no limit",
  }),
  connectTimeout: field(duration(), "How long connecting may take.", {
    defaultText: "`connectTimeout` of the mesh configuration, 10s",
  }),
  tcpKeepalive: field(TcpKeepalive, "Probes that find out whether the other end is still there.", {
    defaultText: "no probes",
  }),
  maxConnectionDuration: field(duration(), "How long a connection may be open.", { defaultText: "no limit" }),
  idleTimeout: field(duration(), "How long a connection may be idle. `0s` means no limit.", { defaultText: "1h" }),
});

const HttpSettings = message("ConnectionPoolSettings.HTTPSettings", {
  http1MaxPendingRequests: field(uint32(), "Most requests that wait for a connection. 0 means no limit.", {
    defaultText: "no limit",
  }),
  http2MaxRequests: field(uint32(), "Most requests at a time, also with HTTP/1.1. 0 means no limit.", {
    defaultText: "no limit",
  }),
  maxRequestsPerConnection: field(uint32(), "Most requests over one connection; 1 switches keep-alive off.", {
    defaultText: "no limit",
  }),
  maxRetries: field(uint32(), "Most retries at a time. 0 means no limit.", { defaultText: "no limit" }),
  idleTimeout: field(duration(), "How long a connection without requests stays open.", { defaultText: "1h" }),
  h2UpgradePolicy: field(
    enumeration(["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"]),
    "Whether connections to the endpoints use HTTP/2 where the port's protocol is HTTP/1.1.",
    { defaultText: "as the port's protocol says" },
  ),
  useClientProtocol: field(
    bool(),
    "Uses the protocol of the client's request. Not beside `h2UpgradePolicy: UPGRADE`.",
    {
      default: false,
    },
  ),
  maxConcurrentStreams: field(uint32(), "Most streams over one HTTP/2 connection, from 1 to 2147483647.", {
    defaultText: "no limit",
  }),
});

export const ConnectionPool = message("ConnectionPoolSettings", {
  tcp: field(TcpSettings, "Settings of connections, also of those for HTTP."),
  http: field(HttpSettings, "Settings of requests. One of `tcp` and `http` is required."),
});
export type ConnectionPool = Static<typeof ConnectionPool>;
