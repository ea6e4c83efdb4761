import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf, durationOf } from "@xebec/api-envoy";
import type { RouteConfigurationSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import { CorsSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/cors/v3/cors";
import { HTTPFaultSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/fault/v3/fault";
import { GrpcWebSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/grpc_web/v3/grpc_web";
import { RouterSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/router/v3/router";
import { ConfigSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state";
import {
  HttpConnectionManager_ForwardClientCertDetails as ForwardCert,
  HttpConnectionManagerSchema,
  type HttpFilterSchema,
} from "@xebec/api-envoy/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type { Scope } from "../../scope/scope.ts";
import { httpAccessLogs } from "../access-log.ts";
import { discoveredFilter } from "../http/extension-config.ts";
import { CHECK_FILTER_TYPE, CHECK_PREFIX } from "../http/policy-check.ts";
import { REPORT_FILTER, REPORT_FILTER_TYPE } from "../http/report-filter.ts";

type HttpFilter = MessageInitShape<typeof HttpFilterSchema>;

export interface HttpConnectionOptions {
  readonly kind: "inbound" | "outbound" | "gateway";
  /** Without the closing `;`. */
  readonly statPrefix: string;
  /** A route table served by RDS, or one that is part of the listener. */
  readonly routes: { readonly rds: string } | { readonly inline: MessageInitShape<typeof RouteConfigurationSchema> };
  /** Namespace of the services that are called, whose rules decide about requests; none are asked without it. */
  readonly checksOf?: string;
  /** Accepts CONNECT, for clients that tunnel. */
  readonly connect?: boolean;
  /** Takes what browsers send in place of gRPC. */
  readonly grpcWeb?: boolean;
}

const typed = (name: string, value: ReturnType<typeof anyOf>): HttpFilter => ({
  name,
  configType: { case: "typedConfig", value },
});

/** True where clients may speak HTTP/1.0: everywhere, or at this proxy. */
export function acceptsHttp10({ mesh, proxyClass }: Scope): boolean {
  return mesh.http10 || proxyClass.http10;
}

/** The HTTP connection manager with Istio's defaults (docs/reference/pilot.md §4.6, §4.7). */
export function httpConnection(scope: Scope, options: HttpConnectionOptions) {
  const { kind, routes } = options;
  const edge = kind === "gateway";
  const inbound = kind === "inbound";
  return {
    name: "envoy.filters.network.http_connection_manager",
    configType: {
      case: "typedConfig" as const,
      value: anyOf(HttpConnectionManagerSchema, {
        statPrefix: `${options.statPrefix};`,
        routeSpecifier:
          "rds" in routes
            ? {
                case: "rds",
                value: {
                  routeConfigName: routes.rds,
                  configSource: {
                    resourceApiVersion: 2,
                    initialFetchTimeout: durationOf(0),
                    configSourceSpecifier: { case: "ads", value: {} },
                  },
                },
              }
            : { case: "routeConfig", value: routes.inline },
        httpFilters: [
          discoveredFilter(REPORT_FILTER, REPORT_FILTER_TYPE),
          ...(options.checksOf === undefined
            ? []
            : [discoveredFilter(`${CHECK_PREFIX}${options.checksOf}`, CHECK_FILTER_TYPE)]),
          ...(options.grpcWeb ? [typed("envoy.filters.http.grpc_web", anyOf(GrpcWebSchema, {}))] : []),
          typed("envoy.filters.http.fault", anyOf(HTTPFaultSchema, {})),
          typed("envoy.filters.http.cors", anyOf(CorsSchema, {})),
          // Routes to ports without protocol have settings for it.
          ...(inbound ? [] : [typed("envoy.filters.http.set_filter_state", anyOf(ConfigSchema, {}))]),
          typed("envoy.filters.http.router", anyOf(RouterSchema, {})),
        ],
        accessLog: httpAccessLogs(scope, inbound ? "inbound" : "outbound"),
        useRemoteAddress: edge,
        forwardClientCertDetails: edge
          ? ForwardCert.SANITIZE_SET
          : inbound
            ? ForwardCert.APPEND_FORWARD
            : ForwardCert.SANITIZE,
        ...(edge || inbound
          ? {
              setCurrentClientCertDetails: { subject: true, uri: true, dns: true, cert: edge },
              serverName: "istio-envoy",
            }
          : {}),
        normalizePath: true,
        ...(acceptsHttp10(scope) ? { httpProtocolOptions: { acceptHttp10: true } } : {}),
        streamIdleTimeout: durationOf(0),
        proxy100Continue: true,
        upgradeConfigs: [{ upgradeType: "websocket" }, ...(options.connect ? [{ upgradeType: "CONNECT" }] : [])],
      }),
    },
  };
}
