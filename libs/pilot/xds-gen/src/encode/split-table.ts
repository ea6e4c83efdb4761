import { create } from "@bufbuild/protobuf";
import {
  AggregatedConfigSourceSchema,
  ApiVersion,
  ConfigSourceSchema,
} from "@xebec/api-envoy/envoy/config/core/v3/config_source";
import { RouteConfigurationSchema, VhdsSchema } from "@xebec/api-envoy/envoy/config/route/v3/route";
import { contentHash, type EncodedResource, type SplitTable, splitVersion } from "./encoded.ts";
import type { EncodedVirtualHost } from "./virtual-host.ts";
import { bytesOf, withFields } from "./wire.ts";

/** Says that virtual hosts come over the same stream, and are waited for as long as it takes. */
const BY_VHDS = bytesOf(VhdsSchema, {
  configSource: create(ConfigSourceSchema, {
    configSourceSpecifier: { case: "ads", value: create(AggregatedConfigSourceSchema) },
    initialFetchTimeout: { seconds: 0n, nanos: 0 },
    resourceApiVersion: ApiVersion.V3,
  }),
});

/**
 * Takes a route table apart.
 * @param head the bytes of the table before its virtual hosts
 */
export function splitTable(
  { name, configKeys, patchErrors }: EncodedResource,
  head: Uint8Array,
  virtualHosts: readonly EncodedVirtualHost[],
): SplitTable {
  const hostKeys = new Set(virtualHosts.flatMap((each) => each.configKeys));
  const bytes = withFields(head, RouteConfigurationSchema.field.vhds.number, [BY_VHDS]);
  const taken = new Set<string>();
  return {
    table: {
      ...{ name, version: splitVersion(contentHash(bytes)), bytes },
      configKeys: configKeys.filter((key) => !hostKeys.has(key)),
      ...(patchErrors ? { patchErrors } : {}),
    },
    hosts: virtualHosts.map((each) => each.alone(`${name}/${ownName(each.name, taken)}`)),
  };
}

/** Envoy finds the table's name in front of the last slash. A patch may give virtual hosts any names. */
function ownName(name: string, taken: Set<string>): string {
  const own = name.replaceAll("/", "|");
  let unique = own;
  for (let i = 2; taken.has(unique); i++) unique = `${own}#${i}`;
  taken.add(unique);
  return unique;
}
