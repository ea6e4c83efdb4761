import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CustomTagSchema } from "@xebec/api-envoy/envoy/type/tracing/v3/custom_tag";
import type { Scope } from "../scope/scope.ts";

type Tag = Pick<MessageInitShape<typeof CustomTagSchema>, "tag" | "type">;

/** The custom tags that the proxies' version of Envoy knows. */
export function knownTags<T extends Tag>({ proxyClass }: Pick<Scope, "proxyClass">, tags: readonly T[]): T[] {
  const lacksValue = proxyClass.lacks?.includes("customTagValue") ?? false;
  return tags.filter(({ type }) => !lacksValue || type?.case !== "value");
}
