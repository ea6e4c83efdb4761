import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationOf } from "@xebec/api-envoy";
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ExtensionConfigSourceSchema,
} from "@xebec/api-envoy/envoy/config/core/v3/config_source";

/** The cluster of the agent's socket, in every bootstrap of an agent. */
const AGENT_CLUSTER = "sds-grpc";

type Source = NonNullable<
  NonNullable<MessageInitShape<typeof ExtensionConfigSourceSchema>["configSource"]>["configSourceSpecifier"]
>;

const FROM_PILOT: Source = { case: "ads", value: {} };
const FROM_AGENT: Source = {
  case: "apiConfigSource",
  value: {
    apiType: ApiConfigSource_ApiType.DELTA_GRPC,
    transportApiVersion: ApiVersion.V3,
    setNodeOnFirstMessageOnly: true,
    grpcServices: [{ targetSpecifier: { case: "envoyGrpc", value: { clusterName: AGENT_CLUSTER } } }],
  },
};

/**
 * Where a filter takes its configuration from by extension config discovery (ECDS).
 * @param types the full names of the types that the configuration may have
 * @param byAgent the agent has it, instead of pilot
 */
export function discoverySource(
  types: readonly string[],
  byAgent = false,
): MessageInitShape<typeof ExtensionConfigSourceSchema> {
  return {
    configSource: {
      resourceApiVersion: ApiVersion.V3,
      // The listener waits: without the filter, requests would bypass the rules.
      initialFetchTimeout: durationOf(0),
      configSourceSpecifier: byAgent ? FROM_AGENT : FROM_PILOT,
    },
    typeUrls: types.map((each) => `type.googleapis.com/${each}`),
  };
}
