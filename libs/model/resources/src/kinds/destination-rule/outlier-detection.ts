import { bool, duration, field, message, type Static, uint32, unsupported } from "@xebec/model-schema";

export const OutlierDetection = message(
  "OutlierDetection",
  {
    consecutiveErrors: field(uint32(), "The old form of `consecutiveGatewayErrors`."),
    consecutive5xxErrors: field(
      uint32(),
      "How many answers with a 5xx status in a row eject an endpoint; connections that fail count, too. 0 switches this off.",
      { default: 5 },
    ),
    consecutiveGatewayErrors: field(
      uint32(),
      "How many answers with status 502, 503 or 504 in a row eject an endpoint. 0 switches this off.",
      { defaultText: "off" },
    ),
    splitExternalLocalOriginErrors: field(bool(), "Counts connections that fail apart from answers with errors.", {
      default: false,
    }),
    consecutiveLocalOriginFailures: field(
      uint32(),
      "How many connections that fail in a row eject an endpoint. Needs `splitExternalLocalOriginErrors`.",
      { default: 5 },
    ),
    interval: field(duration(), "The time between two checks whether endpoints are ejected or come back.", {
      default: "10s",
    }),
    baseEjectionTime: field(duration(), "How long an endpoint is ejected, times the number of its ejections.", {
      default: "30s",
    }),
    maxEjectionPercent: field(uint32({ maximum: 100 }), "The largest part of the endpoints that may be ejected.", {
      default: 10,
    }),
    minHealthPercent: field(
      uint32({ maximum: 100 }),
      "With a smaller part of healthy endpoints, ejected ones are called, too. 0 switches this off.",
      { default: 0 },
    ),
  },
  { unsupported: unsupported("", { http: "write its fields here, as Istio has them since 1.0" }) },
);
export type OutlierDetection = Static<typeof OutlierDetection>;
