import { type Json, object, string } from "@xebec/pilot-proxy-config";

const FRACTIONS: Readonly<Record<string, number>> = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 };

/** Fault injection of a route. `always` is the status of an abort that every request meets; undefined when only some meet it. */
export function faultOf(route: Json): { readonly detail: string; readonly always: number | undefined } | undefined {
  const config = object(object(route.typed_per_filter_config)?.["envoy.filters.http.fault"]);
  const [abort, delay] = [object(config?.abort), object(config?.delay)];
  if (!abort && !delay) return undefined;
  const status = abort?.grpc_status === undefined ? Number(abort?.http_status ?? 0) : 200;
  const parts = [
    ...(abort
      ? [
          `aborts ${percentOf(abort)} % with ${abort.grpc_status === undefined ? status : `gRPC status ${string(abort.grpc_status)}`}`,
        ]
      : []),
    ...(delay ? [`delays ${percentOf(delay)} % by ${string(delay.fixed_delay)}`] : []),
  ];
  return { detail: parts.join(", "), always: abort && percentOf(abort) >= 100 ? status : undefined };
}

function percentOf({ percentage }: Json): number {
  const { numerator = 0, denominator } = object(percentage) ?? {};
  return (Number(numerator) * 100) / (FRACTIONS[string(denominator) || "HUNDRED"] ?? 100);
}
