import type { EncodedResource, ResourcePart } from "@xebec/pilot-xds-gen";
import type { Connection } from "../connection/connection.ts";

/** What of a proxy's configuration came from an object. */
export interface ObjectUse {
  /** `POD.NAMESPACE`. */
  readonly proxy: string;
  readonly resources: readonly ResourceUse[];
}

export interface ResourceUse {
  /** cluster, listener, route, ... */
  readonly type: string;
  readonly name: string;
  /** The parts that came from it, such as `virtualHost reviews:80, route default`; parts of the same name stand once; empty when the
   * resource is of one piece. */
  readonly parts: readonly string[];
}

/**
 * The resources that proxies were sent and that came from an object.
 * @param key `networking.istio.io/VirtualService/default/reviews`
 * @returns proxies that have none are left out
 */
export function objectUse(connections: Iterable<Connection>, key: string): ObjectUse[] {
  return [...connections].flatMap((connection) => {
    const resources = [...connection.subscriptions].flatMap(([type, { sent }]) =>
      [...sent.resources.values()]
        .filter(({ configKeys }) => configKeys.includes(key))
        .map((each) => ({ type, name: each.name, parts: [...new Set(partsWith(each, key))] })),
    );
    return resources.length > 0 ? [{ proxy: `${connection.proxy.pod}.${connection.proxy.namespace}`, resources }] : [];
  });
}

function partsWith({ parts = [] }: Pick<EncodedResource, "parts">, key: string, around = ""): string[] {
  return parts
    .filter(({ configKeys }) => configKeys.includes(key))
    .flatMap((part: ResourcePart) => {
      const name = `${around}${part.kind}${part.name ? ` ${part.name}` : ""}`;
      const own = partsWith(part, key, `${name}, `);
      return own.length > 0 ? own : [name];
    });
}
