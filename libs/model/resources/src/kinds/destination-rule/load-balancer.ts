import {
  bool,
  double,
  duration,
  enumeration,
  field,
  list,
  message,
  required,
  type Static,
  string,
  uint32,
} from "@xebec/model-schema";
import { LocalityLbSetting } from "../shared/locality-lb-setting.ts";

const CookieAttribute = message("ConsistentHashLB.HTTPCookie.Attribute", {
  name: required(string({ minLength: 1 }), "The name of the attribute, such as `SameSite`."),
  value: field(string(), "The value of the attribute.", { defaultText: "none" }),
});

const HttpCookie = message("ConsistentHashLB.HTTPCookie", {
  name: required(string({ minLength: 1 }), "The name of the cookie."),
  path: field(string(), "The path of a cookie that the proxy sets."),
  ttl: field(
    duration(),
    "Lifetime of the cookie. With it the proxy sets a cookie where a request has none; `0s` is a session cookie.",
  ),
  attributes: field(list(CookieAttribute), "Further attributes of a cookie that the proxy sets."),
});

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

const Warmup = message("WarmupConfiguration", {
  duration: required(duration(), "How long the traffic to a new endpoint grows to its full share."),
  minimumPercent: field(double({ minimum: 0, maximum: 100 }), "The part of its share that it has at the least.", {
    default: 10,
  }),
  aggression: field(double({ minimum: 1 }), "How fast the traffic grows in the beginning; 1 is linear.", {
    default: 1,
  }),
});

export const LoadBalancer = message("LoadBalancerSettings", {
  simple: field(
    Simple,
    "How an endpoint is chosen. `PASSTHROUGH` sends a connection to the address that the client called. `LEAST_CONN` is the old name of `LEAST_REQUEST`.",
    { default: "LEAST_REQUEST" },
  ),
  consistentHash: field(ConsistentHash, "Sends equal requests to the same endpoint. Not beside `simple`."),
  warmup: field(
    Warmup,
    "Traffic to a new endpoint grows slowly to its full share. With `ROUND_ROBIN` and `LEAST_REQUEST` only.",
  ),
  warmupDurationSecs: field(duration(), "The old form of `warmup.duration`."),
  localityLbSetting: field(
    LocalityLbSetting,
    "How traffic is shared between localities. Failover needs `outlierDetection`.",
    { defaultText: "that of the mesh configuration: endpoints that are near go first, with `outlierDetection`" },
  ),
});
export type LoadBalancer = Static<typeof LoadBalancer>;
