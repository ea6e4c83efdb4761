import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { anyOf, durationOf } from "@xebec/api-envoy";
import type { AccessLogFilterSchema, AccessLogSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import { ApiVersion } from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import { HttpGrpcAccessLogConfigSchema } from "@xebec/api-envoy/envoy/extensions/access_loggers/grpc/v3/als";
import { CustomTagSchema } from "@xebec/api-envoy/envoy/type/tracing/v3/custom_tag";
import type { Scope } from "../../scope/scope.ts";
import { mixerService } from "../mixer-service.ts";

/** The metadata by which a request is marked. */
export const MARK = { namespace: "mixer.report", key: "on", value: "1" } as const;

/** Field `value` of envoy.type.tracing.v3.CustomTag, which the shipped descriptors are too old to name. */
const CUSTOM_TAG_VALUE = 6;
const LENGTH_DELIMITED = 2;

type AccessLog = MessageInitShape<typeof AccessLogSchema>;
type AccessLogFilter = MessageInitShape<typeof AccessLogFilterSchema>;

/** The access log that sends Mixer a report of each request that is marked for it. */
export function reportLog(scope: Scope, direction: "inbound" | "outbound"): AccessLog {
  return {
    name: "envoy.access_loggers.http_grpc",
    filter: { filterSpecifier: { case: "andFilter", value: { filters: [isMarked, isNoTunnel] } } },
    configType: {
      case: "typedConfig",
      value: anyOf(HttpGrpcAccessLogConfigSchema, {
        commonConfig: {
          logName: `xebec_http_${direction}`,
          transportApiVersion: ApiVersion.V3,
          grpcService: { targetSpecifier: { case: "envoyGrpc", value: mixerService(scope, "istio-telemetry") } },
          bufferFlushInterval: durationOf(1000),
          customTags:
            direction === "outbound"
              ? [
                  formatTag("source.principal.upstream", "%UPSTREAM_LOCAL_URI_SAN%"),
                  formatTag("destination.principal.upstream", "%UPSTREAM_PEER_URI_SAN%"),
                ]
              : [],
        },
      }),
    },
  };
}

function formatTag(tag: string, format: string) {
  const message = create(CustomTagSchema, { tag });
  const data = new BinaryWriter().string(format).finish();
  message.$unknown = [{ no: CUSTOM_TAG_VALUE, wireType: LENGTH_DELIMITED, data }];
  return message;
}

/** Takes what the filter has marked. */
const isMarked: AccessLogFilter = {
  filterSpecifier: {
    case: "metadataFilter",
    value: {
      matcher: {
        filter: MARK.namespace,
        path: [{ segment: { case: "key", value: MARK.key } }],
        value: {
          matchPattern: {
            case: "stringMatch",
            value: { matchPattern: { case: "exact", value: MARK.value } },
          },
        },
      },
      matchIfKeyNotFound: false,
    },
  },
};

/** A tunnel's CONNECT is not a request of the application: what it carries is logged itself. */
const isNoTunnel: AccessLogFilter = {
  filterSpecifier: {
    case: "headerFilter",
    value: {
      header: {
        name: ":method",
        headerMatchSpecifier: {
          case: "stringMatch",
          value: { matchPattern: { case: "exact", value: "CONNECT" } },
        },
        invertMatch: true,
      },
    },
  },
};
