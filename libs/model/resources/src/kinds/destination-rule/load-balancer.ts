import {
  bool,
  duration,
  enumeration,
  field,
  message,
  required,
  type Static,
  string,
  uint32,
  unsupported,
} from "@xebec/model-schema";

const HttpCookie = message(
  "ConsistentHashLB.HTTPCookie",
  {
    name: required(string({ minLength: 1 }), "The name of the cookie."),
    path: field(string(), "The path of a cookie that the proxy sets."),
    ttl: field(
      duration(),
      "Lifetime of the cookie. With it the proxy sets a cookie where a request has none; `0s` is a session cookie.",
    ),
  },
  { unsupported: unsupported("attributes") },
);

const RingHash = message("ConsistentHashLB.RingHash", {
  minimumRingSize: field(uint32(), "The least number of entries in the ring, up to 8388608.", { default: 1024 }),
});

const Maglev = message("ConsistentHashLB.MagLev", {
  tableSize: field(uint32(), "The size of the table, a prime number below 5000011. Required."),
});

const ConsistentHash = message("ConsistentHashLB", {
  httpHeaderName: field(string(), "Hashes the value of this header. Only one of the four keys is possible."),
  httpCookie: field(HttpCookie, "Hashes the value of a cookie."),
  useSourceIp: field(bool(), "Hashes the client's address."),
  httpQueryParameterName: field(string(), "Hashes the value of this parameter of the query."),
  minimumRingSize: field(uint32(), "The old form of `ringHash.minimumRingSize`."),
  ringHash: field(RingHash, "Uses a ring hash.", { defaultText: "used, unless `maglev` is set" }),
  maglev: field(Maglev, "Uses a Maglev table. Not beside `ringHash`."),
});

const Simple = enumeration({
  UNSPECIFIED: 0,
  LEAST_CONN: 1,
  RANDOM: 2,
  PASSTHROUGH: 3,
  ROUND_ROBIN: 4,
  LEAST_REQUEST: 5,
});

export const LoadBalancer = message(
  "LoadBalancerSettings",
  {
    simple: field(
      Simple,
      "How an endpoint is chosen. `PASSTHROUGH` sends a connection to the address that the client called. `LEAST_CONN` is the old name of `LEAST_REQUEST`.",
      { default: "LEAST_REQUEST" },
    ),
    consistentHash: field(ConsistentHash, "Sends equal requests to the same endpoint. Not beside `simple`."),
    warmupDurationSecs: field(
      duration(),
      "How long the traffic to a new endpoint grows to its full share. With `ROUND_ROBIN` and `LEAST_REQUEST` only.",
    ),
  },
  { unsupported: unsupported("localityLbSetting warmup") },
);
export type LoadBalancer = Static<typeof LoadBalancer>;
