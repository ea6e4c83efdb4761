import type { Connection } from "../connection/connection.ts";
import type { DebugSource } from "./debug-source.ts";

/**
 * The newest connection of a proxy; one that is authenticated rather than one that only says so.
 * @param id `POD.NAMESPACE`, or a whole node id
 */
export function connectionOf(server: DebugSource, id: string): Connection | undefined {
  let found: Connection | undefined;
  for (const each of server.connections)
    if (`${each.proxy.pod}.${each.proxy.namespace}` === id || each.proxy.id === id)
      if (!found?.authenticated || each.authenticated) found = each;
  return found;
}
