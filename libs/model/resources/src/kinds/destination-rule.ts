import { type Static, Type } from "typebox";
import { closed, Duration, ExportTo, Labels, literals, PortSelector, UInt, without } from "./common.ts";

const LoadBalancer = Type.Object(
  {
    simple: Type.Optional(
      literals("UNSPECIFIED", "ROUND_ROBIN", "LEAST_REQUEST", "LEAST_CONN", "RANDOM", "PASSTHROUGH"),
    ),
    consistentHash: Type.Optional(
      Type.Object(
        {
          httpHeaderName: Type.Optional(Type.String()),
          httpCookie: Type.Optional(
            Type.Object(
              { name: Type.String({ minLength: 1 }), path: Type.Optional(Type.String()), ttl: Type.Optional(Duration) },
              without("attributes"),
            ),
          ),
          useSourceIp: Type.Optional(Type.Boolean()),
          httpQueryParameterName: Type.Optional(Type.String()),
          minimumRingSize: Type.Optional(UInt),
          ringHash: Type.Optional(Type.Object({ minimumRingSize: Type.Optional(UInt) }, closed)),
          maglev: Type.Optional(Type.Object({ tableSize: Type.Optional(UInt) }, closed)),
        },
        closed,
      ),
    ),
    warmupDurationSecs: Type.Optional(Duration),
  },
  without("localityLbSetting warmup"),
);
const ConnectionPool = Type.Object(
  {
    tcp: Type.Optional(
      Type.Object(
        {
          maxConnections: Type.Optional(UInt),
          connectTimeout: Type.Optional(Duration),
          tcpKeepalive: Type.Optional(
            Type.Object(
              {
                probes: Type.Optional(UInt),
                time: Type.Optional(Duration),
                interval: Type.Optional(Duration),
              },
              closed,
            ),
          ),
          maxConnectionDuration: Type.Optional(Duration),
          idleTimeout: Type.Optional(Duration),
        },
        closed,
      ),
    ),
    http: Type.Optional(
      Type.Object(
        {
          http1MaxPendingRequests: Type.Optional(UInt),
          http2MaxRequests: Type.Optional(UInt),
          maxRequestsPerConnection: Type.Optional(UInt),
          maxRetries: Type.Optional(UInt),
          idleTimeout: Type.Optional(Duration),
          h2UpgradePolicy: Type.Optional(literals("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE")),
          useClientProtocol: Type.Optional(Type.Boolean()),
          maxConcurrentStreams: Type.Optional(UInt),
        },
        closed,
      ),
    ),
  },
  closed,
);
const OutlierDetection = Type.Object(
  {
    consecutiveErrors: Type.Optional(UInt),
    consecutive5xxErrors: Type.Optional(UInt),
    consecutiveGatewayErrors: Type.Optional(UInt),
    splitExternalLocalOriginErrors: Type.Optional(Type.Boolean()),
    consecutiveLocalOriginFailures: Type.Optional(UInt),
    interval: Type.Optional(Duration),
    baseEjectionTime: Type.Optional(Duration),
    maxEjectionPercent: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    minHealthPercent: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
  },
  without("", { http: "write its fields here, as Istio has them since 1.0" }),
);
const ClientTls = Type.Object(
  {
    mode: Type.Optional(literals("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL")),
    clientCertificate: Type.Optional(Type.String()),
    privateKey: Type.Optional(Type.String()),
    caCertificates: Type.Optional(Type.String()),
    subjectAltNames: Type.Optional(Type.Array(Type.String())),
    sni: Type.Optional(Type.String()),
    insecureSkipVerify: Type.Optional(Type.Boolean()),
  },
  without("credentialName caCrl"),
);
const policy = {
  loadBalancer: Type.Optional(LoadBalancer),
  connectionPool: Type.Optional(ConnectionPool),
  outlierDetection: Type.Optional(OutlierDetection),
  tls: Type.Optional(ClientTls),
};
const TrafficPolicy = Type.Object(
  {
    ...policy,
    portLevelSettings: Type.Optional(Type.Array(Type.Object({ port: PortSelector, ...policy }, closed))),
  },
  without("tunnel proxyProtocol retryBudget"),
);
const Subset = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    labels: Type.Optional(Labels),
    trafficPolicy: Type.Optional(TrafficPolicy),
  },
  closed,
);

export const DestinationRuleSpec = Type.Object(
  {
    host: Type.String({ minLength: 1 }),
    trafficPolicy: Type.Optional(TrafficPolicy),
    subsets: Type.Optional(Type.Array(Subset)),
    exportTo: Type.Optional(ExportTo),
    workloadSelector: Type.Optional(Type.Object({ matchLabels: Type.Optional(Labels) }, closed)),
  },
  without("configScope", { configScope: "write exportTo" }),
);
export type DestinationRuleSpec = Static<typeof DestinationRuleSpec>;
export type TrafficPolicy = Static<typeof TrafficPolicy>;
export type LoadBalancer = Static<typeof LoadBalancer>;
export type ConnectionPool = Static<typeof ConnectionPool>;
export type OutlierDetection = Static<typeof OutlierDetection>;
export type ClientTls = Static<typeof ClientTls>;
export type Subset = Static<typeof Subset>;
