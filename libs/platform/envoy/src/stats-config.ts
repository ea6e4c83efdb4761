import { XebecError } from "@xebec/core-errors";
import type { ProxySettings } from "./proxy-settings.ts";

/** What Istio keeps of Envoy's statistics, and what shows certificates (docs/reference/pilot.md §7.3). */
const PREFIXES = [
  "cluster_manager",
  "listener_manager",
  "server",
  "cluster.xds-grpc",
  "sds",
  "mesh",
  "wasm",
  "component",
  "istio",
];
const SUFFIXES = ["rbac.allowed", "rbac.denied", "shadow_allowed", "shadow_denied", "ssl_context_update_by_sds"];
const REGEXPS = ["vhost\\..*\\.route\\..*"];
const ANNOTATION = "sidecar.istio.io/statsInclusion";

/** Tags that are taken out of the names of statistics: tag, then a regular expression with the part to cut and its value. */
const TAGS: readonly (readonly [name: string, regex: string])[] = [
  ["cluster_name", "^cluster\\.((.+?(\\..+?\\.svc\\.cluster\\.local)?)\\.)"],
  ["tcp_prefix", "^tcp\\.((.*?)\\.)\\w+?$"],
  ["response_code", "_rq(_(\\d{3}))$"],
  ["response_code_class", "_rq(_(\\dxx))$"],
  ["http_conn_manager_prefix", "^http\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)"],
  ["listener_address", "^listener\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)"],
];
const TAG_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Which statistics Envoy keeps, and how they are tagged. @throws XebecError invalid_argument for a tag's name */
export function statsConfig({ proxyConfig, annotations }: ProxySettings): Record<string, unknown> {
  const list = (kind: "Prefixes" | "Suffixes" | "Regexps", given: readonly string[]): readonly string[] =>
    annotations[`${ANNOTATION}${kind}`]?.split(",").filter(Boolean) ?? given;
  const { stats, extraStatTags } = proxyConfig;
  const wrong = extraStatTags.find((name) => !TAG_NAME.test(name));
  if (wrong !== undefined)
    throw new XebecError("invalid_argument", `PROXY_CONFIG.extraStatTags: "${wrong}" is not a name of a tag`);
  return {
    use_all_default_tags: false,
    stats_tags: [
      ...TAGS.map(([tag_name, regex]) => ({ tag_name, regex })),
      ...extraStatTags.map((name) => ({ tag_name: name, regex: `(${name}\\.=\\.(.*?);\\.;)` })),
    ],
    stats_matcher: {
      inclusion_list: {
        patterns: [
          ...[...PREFIXES, ...list("Prefixes", stats.prefixes)].map((prefix) => ({ prefix })),
          ...[...SUFFIXES, ...list("Suffixes", stats.suffixes)].map((suffix) => ({ suffix })),
          ...[...REGEXPS, ...list("Regexps", stats.regexps)].map((regex) => ({ safe_regex: { regex } })),
        ],
      },
    },
  };
}
