import type { BuiltNetworkFilter } from "../../build/built.ts";
import type { Scope } from "../../scope/scope.ts";
import type { Connection } from "../connection.ts";
import { tcpAuthorization } from "./authorization.ts";
import { tcpCustomAuthorization } from "./custom-authorization.ts";
import { httpConnectionManager } from "./http-connection-manager.ts";
import { tcpMixerCheck } from "./mixer-check.ts";
import type { NetworkFilter } from "./network-filter.ts";
import { tcpServiceRoles } from "./service-roles.ts";
import { sniDynamicForwardProxy } from "./sni-dynamic-forward-proxy.ts";
import { tcpProxy } from "./tcp-proxy.ts";
import { tcpWasm, tcpWasmBeforeAuthorization } from "./wasm.ts";

/**
 * All network filters, in the order in which connections pass through them: by phase, and within a phase by position. To add a filter,
 * add a file and a line here.
 */
export const NETWORK_FILTERS: readonly NetworkFilter[] = [
  tcpCustomAuthorization,
  tcpWasmBeforeAuthorization,
  tcpAuthorization,
  tcpServiceRoles,
  tcpMixerCheck,
  tcpWasm,
  sniDynamicForwardProxy,
  httpConnectionManager,
  tcpProxy,
];

/** The filters of a chain. */
export function networkFilters(scope: Scope, connection: Connection): BuiltNetworkFilter[] {
  return NETWORK_FILTERS.flatMap((each) => each.chain(scope, connection) ?? []);
}
