import type { ProxyBinding } from "./proxy.ts";
import type { Scope } from "./scope.ts";

const LOOPBACK = "127.0.0.1";

/**
 * Where a proxy's explicit HTTP proxy listens (docs/reference/pilot.md §4.5): the node says it where nothing is captured, else
 * `proxyHttpPort` of the mesh does.
 * @returns undefined where there is none
 */
export function httpProxyOf(
  { mesh }: Pick<Scope, "mesh">,
  binding: ProxyBinding,
): { readonly address: string; readonly port: number } | undefined {
  if (binding.mode === "gateway") return undefined;
  const own = binding.mode === "explicit" ? binding.httpProxyPort : 0;
  const port = own || mesh.ports.httpProxy;
  return port > 0 ? { address: binding.mode === "explicit" ? binding.address : LOOPBACK, port } : undefined;
}
