import { type Static, Type } from "typebox";
import { notServed } from "../not-served.ts";
import {
  closed,
  Destination,
  Duration,
  ExportTo,
  Labels,
  literals,
  Percent,
  Port,
  StringMatch,
  UInt,
  without,
} from "./common.ts";

const HeaderOperations = Type.Object(
  {
    set: Type.Optional(Type.Record(Type.String(), Type.String())),
    add: Type.Optional(Type.Record(Type.String(), Type.String())),
    remove: Type.Optional(Type.Array(Type.String())),
  },
  closed,
);
const Headers = Type.Object(
  { request: Type.Optional(HeaderOperations), response: Type.Optional(HeaderOperations) },
  closed,
);
/** Istio 1.1's fields for headers, which `headers` has taken the place of. */
const HEADERS_BEFORE = {
  appendRequestHeaders: "write headers.request.add",
  removeRequestHeaders: "write headers.request.remove",
  appendResponseHeaders: "write headers.response.add",
  removeResponseHeaders: "write headers.response.remove",
};
const HttpMatch = Type.Object(
  {
    name: Type.Optional(Type.String()),
    uri: Type.Optional(StringMatch),
    scheme: Type.Optional(StringMatch),
    method: Type.Optional(StringMatch),
    authority: Type.Optional(StringMatch),
    headers: Type.Optional(Type.Record(Type.String(), StringMatch)),
    withoutHeaders: Type.Optional(Type.Record(Type.String(), StringMatch)),
    queryParams: Type.Optional(Type.Record(Type.String(), StringMatch)),
    port: Type.Optional(Port),
    sourceLabels: Type.Optional(Labels),
    sourceNamespace: Type.Optional(Type.String()),
    gateways: Type.Optional(Type.Array(Type.String())),
    ignoreUriCase: Type.Optional(Type.Boolean()),
    statPrefix: Type.Optional(Type.String()),
  },
  closed,
);
const HttpDestination = Type.Object(
  {
    destination: Destination,
    weight: Type.Optional(Type.Integer({ minimum: 0 })),
    headers: Type.Optional(Headers),
  },
  without("", HEADERS_BEFORE),
);
const Redirect = Type.Object(
  {
    uri: Type.Optional(Type.String()),
    authority: Type.Optional(Type.String()),
    port: Type.Optional(Port),
    derivePort: Type.Optional(literals("FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT")),
    scheme: Type.Optional(Type.String()),
    redirectCode: Type.Optional(UInt),
  },
  closed,
);
const DirectResponse = Type.Object(
  {
    status: UInt,
    body: Type.Optional(
      Type.Object({ string: Type.Optional(Type.String()), bytes: Type.Optional(Type.String()) }, closed),
    ),
  },
  closed,
);
const Rewrite = Type.Object(
  {
    uri: Type.Optional(Type.String()),
    authority: Type.Optional(Type.String()),
    uriRegexRewrite: Type.Optional(Type.Object({ match: Type.String(), rewrite: Type.String() }, closed)),
  },
  closed,
);
const Retries = Type.Object(
  {
    attempts: Type.Optional(Type.Integer({ maximum: 2_147_483_647 })),
    perTryTimeout: Type.Optional(Duration),
    retryOn: Type.Optional(Type.String()),
    retryRemoteLocalities: Type.Optional(Type.Boolean()),
    retryIgnorePreviousHosts: Type.Optional(Type.Boolean()),
    backoff: Type.Optional(Duration),
  },
  closed,
);
/** A status of gRPC by its name. */
const GrpcStatus = Type.String({
  pattern:
    "^(OK|CANCELLED|UNKNOWN|INVALID_ARGUMENT|DEADLINE_EXCEEDED|NOT_FOUND|ALREADY_EXISTS|PERMISSION_DENIED|RESOURCE_EXHAUSTED|FAILED_PRECONDITION|ABORTED|OUT_OF_RANGE|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS|UNAUTHENTICATED)$",
});
const Fault = Type.Object(
  {
    delay: Type.Optional(
      Type.Object(
        {
          percentage: Type.Optional(Percent),
          percent: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
          fixedDelay: Type.Optional(Duration),
        },
        without("exponentialDelay"),
      ),
    ),
    abort: Type.Optional(
      Type.Object(
        {
          percentage: Type.Optional(Percent),
          percent: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
          httpStatus: Type.Optional(Type.Integer({ minimum: 200, maximum: 600 })),
          grpcStatus: Type.Optional(GrpcStatus),
        },
        without("http2Error"),
      ),
    ),
  },
  closed,
);
const Cors = Type.Object(
  {
    allowOrigins: Type.Optional(Type.Array(StringMatch)),
    allowOrigin: Type.Optional(Type.Array(Type.String())),
    allowMethods: Type.Optional(Type.Array(Type.String())),
    allowHeaders: Type.Optional(Type.Array(Type.String())),
    exposeHeaders: Type.Optional(Type.Array(Type.String())),
    maxAge: Type.Optional(Duration),
    allowCredentials: Type.Optional(Type.Boolean()),
  },
  without("unmatchedPreflights"),
);
const HttpRoute = Type.Object(
  {
    name: Type.Optional(Type.String()),
    match: Type.Optional(Type.Array(HttpMatch)),
    route: Type.Optional(Type.Array(HttpDestination)),
    redirect: Type.Optional(Redirect),
    directResponse: Type.Optional(DirectResponse),
    rewrite: Type.Optional(Rewrite),
    timeout: Type.Optional(Duration),
    retries: Type.Optional(Retries),
    fault: Type.Optional(Fault),
    mirror: Type.Optional(Destination),
    mirrorPercentage: Type.Optional(Percent),
    mirrorPercent: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
    mirrors: Type.Optional(
      Type.Array(Type.Object({ destination: Destination, percentage: Type.Optional(Percent) }, closed)),
    ),
    corsPolicy: Type.Optional(Cors),
    headers: Type.Optional(Headers),
  },
  without("delegate", {
    ...HEADERS_BEFORE,
    appendHeaders: "write headers.request.add",
    websocketUpgrade: "leave it out, upgrades are always possible",
  }),
);
/** Never served by Istio either. */
const L4_BEFORE = without("sourceSubnet", { sourceSubnet: "write sourceLabels or sourceNamespace" });
const L4Match = {
  destinationSubnets: Type.Optional(Type.Array(Type.String())),
  port: Type.Optional(Port),
  sourceLabels: Type.Optional(Labels),
  sourceNamespace: Type.Optional(Type.String()),
  gateways: Type.Optional(Type.Array(Type.String())),
};
const L4Destination = Type.Object(
  { destination: Destination, weight: Type.Optional(Type.Integer({ minimum: 0 })) },
  closed,
);
const TlsRoute = Type.Object(
  {
    match: Type.Array(Type.Object({ sniHosts: Type.Array(Type.String(), { minItems: 1 }), ...L4Match }, L4_BEFORE), {
      minItems: 1,
    }),
    route: Type.Array(L4Destination, { minItems: 1 }),
  },
  closed,
);
const TcpRoute = Type.Object(
  {
    match: Type.Optional(Type.Array(Type.Object(L4Match, L4_BEFORE))),
    route: Type.Array(L4Destination, { minItems: 1 }),
  },
  closed,
);

export const VirtualServiceSpec = Type.Object(
  {
    hosts: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    gateways: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    http: Type.Optional(Type.Array(HttpRoute)),
    tls: Type.Optional(Type.Array(TlsRoute)),
    tcp: Type.Optional(Type.Array(TcpRoute)),
    exportTo: Type.Optional(ExportTo),
  },
  {
    ...without("configScope", { configScope: "write exportTo" }),
    missing: { hosts: `is required; a VirtualService without hosts, for others to delegate to, ${notServed()}` },
  },
);
export type VirtualServiceSpec = Static<typeof VirtualServiceSpec>;
export type HttpRoute = Static<typeof HttpRoute>;
export type HttpMatch = Static<typeof HttpMatch>;
export type HttpDestination = Static<typeof HttpDestination>;
export type HeaderOperations = Static<typeof HeaderOperations>;
export type TcpRoute = Static<typeof TcpRoute>;
export type TlsRoute = Static<typeof TlsRoute>;
