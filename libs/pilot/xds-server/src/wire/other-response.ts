import { create, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from "@xebec/api-envoy/envoy/service/discovery/v3/discovery";

/** An answer of a type that is not among the resource types. */
export interface OtherResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly { readonly name: string; readonly resource: Pick<Any, "typeUrl" | "value"> }[];
  /** Who answers, as Istio writes it; empty where nobody needs to know. */
  readonly identifier?: string;
}

/** Encodes an answer that is made for one client. */
export function otherResponse(delta: boolean, { typeUrl, nonce, resources, identifier }: OtherResponse): Uint8Array {
  const controlPlane = identifier ? { controlPlane: { identifier } } : {};
  return delta
    ? toBinary(
        DeltaDiscoveryResponseSchema,
        create(DeltaDiscoveryResponseSchema, { typeUrl, nonce, resources: [...resources], ...controlPlane }),
      )
    : toBinary(
        DiscoveryResponseSchema,
        create(DiscoveryResponseSchema, {
          ...{ typeUrl, nonce, versionInfo: nonce, resources: resources.map(({ resource }) => resource) },
          ...controlPlane,
        }),
      );
}
