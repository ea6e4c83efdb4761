import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { anyOf } from "@xebec/api-envoy";
import type { AccessLogFilterSchema } from "@xebec/api-envoy/envoy/config/accesslog/v3/accesslog";
import {
  type Config_RuleSchema,
  ConfigSchema,
} from "@xebec/api-envoy/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata";
import type { Scope } from "../../scope/scope.ts";

/**
 * The filter that marks requests to be reported and takes down the headers that rules read, as metadata of the request. The
 * access log that sends reports is in every listener and takes only what is marked, so a rule changes no listener.
 */
export const REPORT_FILTER = "mixer.report";
export const REPORT_FILTER_TYPE = ConfigSchema.typeName;

/** Namespaces of the metadata. Mixer's access log front reads those of the headers. */
const MARK = "mixer.report";
const REQUEST_HEADERS = "mixer.request.headers";
const RESPONSE_HEADERS = "mixer.response.headers";
const MARKED = "on";
/** What a header's name may be (RFC 9110). Any other is in no request, and Envoy would refuse it. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

type Rule = MessageInitShape<typeof Config_RuleSchema>;

const noted = (header: string, metadataNamespace: string, key = header, value = ""): Rule => ({
  header,
  onHeaderPresent: { metadataNamespace, key, value },
});

/** The filter's configuration: empty while no rule reports. */
export function reportConfig(scope: Scope): Any {
  const { mesh } = scope;
  const mixer = scope.mixer();
  if (!mixer.reports || mesh.disableReports) return anyOf(ConfigSchema, {});
  return anyOf(ConfigSchema, {
    requestRules: [
      // Every request has a method.
      noted(":method", MARK, MARKED, "1"),
      ...mixer.requestHeaders.filter((name) => TOKEN.test(name)).map((name) => noted(name, REQUEST_HEADERS)),
    ],
    responseRules: mixer.responseHeaders
      .filter((name) => TOKEN.test(name))
      .map((name) => noted(name, RESPONSE_HEADERS)),
  });
}

/** Takes what the filter has marked. */
export const isMarked: MessageInitShape<typeof AccessLogFilterSchema> = {
  filterSpecifier: {
    case: "metadataFilter",
    value: {
      matcher: {
        filter: MARK,
        path: [{ segment: { case: "key", value: MARKED } }],
        value: {
          matchPattern: {
            case: "stringMatch",
            value: { matchPattern: { case: "exact", value: "1" } },
          },
        },
      },
      matchIfKeyNotFound: false,
    },
  },
};
