import { type ProviderSignal, type Telemetry, telemetriesOf } from "@xebec/pilot-snapshot";
import type { Scope } from "../../scope/scope.ts";
import type { TrafficKind } from "../connection.ts";

/** What proxies do, as Telemetry tells it apart. A gateway is a client. */
export type WorkloadMode = "CLIENT" | "SERVER";

export function modeOf(kind: TrafficKind): WorkloadMode {
  return kind === "inbound" ? "SERVER" : "CLIENT";
}

/** Says whether a part of Telemetry is for a mode. */
export function isFor(match: { readonly mode?: string } | undefined, mode: WorkloadMode): boolean {
  return match?.mode === undefined || match.mode === "CLIENT_AND_SERVER" || match.mode === mode;
}

/** The Telemetry objects that hold for a class, the most general first. */
export function applied(scope: Scope): readonly Telemetry[] {
  return scope.cached("telemetry", (inner) => inner.read(telemetriesOf, inner.proxyClass));
}

/** Their keys: what is made of them names where it is from. */
export function telemetryConfigKeys(scope: Scope): readonly string[] {
  return applied(scope).map(({ key }) => key);
}

/** True when some object or default says something of a signal. */
export function isConfigured(scope: Scope, signal: ProviderSignal): boolean {
  return (
    scope.mesh.defaultProviders[signal].length > 0 || applied(scope).some(({ spec }) => (spec[signal]?.length ?? 0) > 0)
  );
}
