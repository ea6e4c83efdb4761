import {
  describeAdapter,
  duration,
  durationMs,
  enumeration,
  field,
  int64,
  list,
  map,
  message,
  type Path,
  required,
  type Static,
  string,
  type Violation,
} from "@xebec/mixer-sdk";

const Override = message("redisquota.Params.Override", {
  dimensions: field(map(string()), "The dimensions for which it holds, each with its value. Required."),
  maxAmount: field(int64(), "The limit for these dimensions, above 0."),
});

const Quota = message("redisquota.Params.Quota", {
  name: required(string({ minLength: 1 }), "The full name of a quota instance, `NAME.KIND.NAMESPACE`."),
  maxAmount: field(int64(), "The limit."),
  validDuration: field(duration(), "The window in which it is counted. Required."),
  bucketDuration: field(
    duration(),
    "The steps in which a rolling window moves: shorter than the window, required for it.",
  ),
  rateLimitAlgorithm: field(
    enumeration(["FIXED_WINDOW", "ROLLING_WINDOW"]),
    "A fixed window begins with its first request; a rolling one ends now, so that no two windows add up at their border.",
    { default: "FIXED_WINDOW" },
  ),
  overrides: field(list(Override), "Other limits for some dimensions; the first that matches holds."),
});

const Params = message("redisquota.Params", {
  quotas: field(list(Quota), "The quotas; at least one."),
  redisServerUrl: field(string(), "The server, `HOST:PORT`."),
  connectionPoolSize: field(int64(), "Most connections to the server; 0: 10 for each CPU."),
});
export type RedisquotaParams = Static<typeof Params>;
export type RedisQuota = NonNullable<RedisquotaParams["quotas"]>[number];

/** Counts quotas in Redis, so that all replicas share them (docs/reference/mixer.md §6.4). */
export const redisquota = describeAdapter({
  name: "redisquota",
  description: "counts quotas in Redis; all replicas of the service share them",
  templates: ["quota"],
  config: Params,
  defaults: { redisServerUrl: "localhost:6379", connectionPoolSize: 10 },
  // A limit that cannot be looked up holds: nothing is granted.
  failure: { open: false, timeout: "1s" },
  validate({ quotas = [], redisServerUrl = "", connectionPoolSize = 10 }, { instances, limits }) {
    const violations: Violation[] = [];
    const add = (path: Path, text: string): void => void violations.push({ path, message: text });
    const server = serverOf(redisServerUrl);
    if (!server) add(["redisServerUrl"], "must be HOST:PORT");
    const refusal = server && isAddress(server.host) ? limits?.addressRefusal(server.host) : undefined;
    if (refusal) add(["redisServerUrl"], refusal);
    if (Number(connectionPoolSize) < 0) add(["connectionPoolSize"], "must not be negative");
    if (quotas.length === 0) add(["quotas"], "at least one is required");
    for (const [i, quota] of quotas.entries()) checkQuota(quota, (path, text) => add(["quotas", i, ...path], text));
    for (const { name } of instances)
      if (!quotas.some((each) => each.name === name))
        add(["quotas"], `none is named ${name}, which a rule sends to this handler`);
    return violations;
  },
});

function checkQuota(quota: RedisQuota, add: (path: Path, text: string) => void): void {
  const window = quota.validDuration === undefined ? 0 : durationMs(quota.validDuration);
  if (window <= 0) add(["validDuration"], "must be longer than 0");
  if (quota.rateLimitAlgorithm === "ROLLING_WINDOW") {
    const bucket = quota.bucketDuration === undefined ? 0 : durationMs(quota.bucketDuration);
    if (bucket <= 0) add(["bucketDuration"], "must be longer than 0 for ROLLING_WINDOW");
    else if (bucket >= window) add(["bucketDuration"], "must be shorter than validDuration");
  }
  for (const [j, { dimensions = {}, maxAmount = 0 }] of (quota.overrides ?? []).entries()) {
    if (Object.keys(dimensions).length === 0) add(["overrides", j, "dimensions"], "at least one is required");
    if (Number(maxAmount) <= 0) add(["overrides", j, "maxAmount"], "must be above 0");
  }
}

/** Takes `HOST:PORT` apart, an address of IPv6 in brackets; undefined for other texts. */
export function serverOf(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/@]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match && port >= 1 && port <= 65_535 ? { host: (match[1] ?? match[2]) as string, port } : undefined;
}

/** Whether a host is an address, which no name server is asked for. */
export function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(":");
}
