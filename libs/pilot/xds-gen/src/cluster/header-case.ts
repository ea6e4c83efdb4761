import type { MessageInitShape } from "@bufbuild/protobuf";
import { anyOf } from "@xebec/api-envoy";
import type { Http1ProtocolOptionsSchema } from "@xebec/api-envoy/envoy/config/core/v3/protocol";
import { PreserveCaseFormatterConfigSchema } from "@xebec/api-envoy/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case";
import type { Scope } from "../scope/scope.ts";

type Http1Options = Pick<MessageInitShape<typeof Http1ProtocolOptionsSchema>, "headerKeyFormat">;

const PRESERVED: Http1Options = {
  headerKeyFormat: {
    headerFormat: {
      case: "statefulFormatter",
      value: {
        name: "preserve_case",
        typedConfig: anyOf(PreserveCaseFormatterConfigSchema, {}),
      },
    },
  },
};

/** How the names of HTTP/1.1 headers are written: as they came, where `preserveHttp1HeaderCase` asks for that. Both sides have to do it. */
export function headerCase({ proxyConfig }: Pick<Scope, "proxyConfig">): Http1Options {
  return proxyConfig.proxyHeaders?.preserveHttp1HeaderCase ? PRESERVED : {};
}
