import { ResponseFlagsSchema } from "@xebec/api-envoy/envoy/data/accesslog/v3/accesslog";
import { fieldNumbers } from "@xebec/model-attributes/wire";
import type { MessageView } from "./message-view.ts";

const NUMBERS = fieldNumbers(ResponseFlagsSchema);

/** Envoy's short names of envoy.data.accesslog.v3.ResponseFlags (Envoy, access log's %RESPONSE_FLAGS%). */
const SHORT_NAMES: Readonly<Record<keyof typeof NUMBERS, string>> = {
  failedLocalHealthcheck: "LH",
  noHealthyUpstream: "UH",
  upstreamRequestTimeout: "UT",
  localReset: "LR",
  upstreamRemoteReset: "UR",
  upstreamConnectionFailure: "UF",
  upstreamConnectionTermination: "UC",
  upstreamOverflow: "UO",
  noRouteFound: "NR",
  delayInjected: "DI",
  faultInjected: "FI",
  rateLimited: "RL",
  unauthorizedDetails: "UAEX",
  rateLimitServiceError: "RLSE",
  downstreamConnectionTermination: "DC",
  upstreamRetryLimitExceeded: "URX",
  streamIdleTimeout: "SI",
  invalidEnvoyRequestHeaders: "IH",
  downstreamProtocolError: "DPE",
  upstreamMaxStreamDurationReached: "UMSDR",
  responseFromCacheFilter: "RFCF",
  noFilterConfigFound: "NFCF",
  durationTimeout: "DT",
  upstreamProtocolError: "UPE",
  noClusterFound: "NC",
  overloadManager: "OM",
  dnsResolutionFailure: "DF",
  downstreamRemoteReset: "DR",
};

/** Short names by field number: a place without a name is not a flag. */
const NAMES: string[] = new Array(1 + Math.max(...Object.values(NUMBERS))).fill("");
for (const { localName, number } of ResponseFlagsSchema.fields)
  NAMES[number] = SHORT_NAMES[localName as keyof typeof NUMBERS];

/** The flags that are set, with commas between; `-` for none. */
export function responseFlagsText(flags: MessageView): string {
  let out = "";
  for (let field = 1; field < NAMES.length; field++)
    if (flags.has(field)) out += out === "" ? NAMES[field] : `,${NAMES[field]}`;
  return out === "" ? "-" : out;
}
