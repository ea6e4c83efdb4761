import { labelsMatch } from "@xebec/model-names";
import { ineffectiveFields } from "@xebec/model-resources";
import { attached, ignored, unlessUnused } from "../conditions.ts";
import type { KnownProxies, ObjectCondition } from "../kind.ts";
import type { Gateway, GatewayState } from "./state.ts";

/** Which routers each Gateway selects. */
export function* gatewayConditions({ gateways }: GatewayState, proxies: KnownProxies): Generator<ObjectCondition> {
  for (const each of gateways) yield unlessUnused(conditionOf(each, proxies.routers), proxies);
}

function conditionOf(gateway: Gateway, routers: readonly Readonly<Record<string, string>>[]): ObjectCondition {
  const count = routers.filter((labels) => labelsMatch(gateway.spec.selector, labels)).length;
  const selector = Object.entries(gateway.spec.selector ?? {}).map(([name, value]) => `${name}=${value}`);
  return count > 0
    ? attached(
        gateway.key,
        ineffectiveFields("networking.istio.io", "Gateway", gateway.spec),
        `${count} ${count === 1 ? "proxy" : "proxies"}`,
      )
    : ignored(gateway.key, "NoProxySelected", `no gateway proxy has the labels ${selector.join(", ")}`);
}
