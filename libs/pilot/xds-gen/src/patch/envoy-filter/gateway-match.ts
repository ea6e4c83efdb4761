import type { Scope } from "../../scope/scope.ts";

/**
 * Whether a port of a router is one of a Gateway.
 * @param port where the router listens
 * @param wanted the Gateway as `NAMESPACE/NAME`, and the name of its port
 */
export function isOfGateway(
  scope: Scope,
  port: number | undefined,
  wanted: { readonly gateway?: string; readonly portName?: string },
): boolean {
  if (port === undefined) return false;
  return scope
    .gateways()
    .some(
      ({ namespace, name, spec }) =>
        (!wanted.gateway || wanted.gateway === `${namespace}/${name}`) &&
        spec.servers.some(
          (server) => server.port.number === port && (!wanted.portName || server.port.name === wanted.portName),
        ),
    );
}
