import { ineffectiveFields } from "@xebec/model-resources";
import { attached, ignored } from "../conditions.ts";
import type { KnownProxies, ObjectCondition } from "../kind.ts";
import type { EnvoyFilter } from "./state.ts";

/** Fields by which a patch has no effect at all, whatever proxies there are. */
const WHOLE_PATCH = /^spec\.configPatches\[(\d+)\]\.(?:applyTo|match|match\.context|patch\.operation):/;

function isOfBootstrap({ configPatches = [] }: EnvoyFilter["spec"], path: string): boolean {
  return configPatches.some(({ applyTo }, i) => applyTo === "BOOTSTRAP" && path === `spec.configPatches[${i}]`);
}

/** Whether the patches of an EnvoyFilter are in effect, each for itself. */
export function envoyFilterCondition({ key, spec }: EnvoyFilter, { use }: KnownProxies): ObjectCondition {
  const ineffective = ineffectiveFields("networking.istio.io", "EnvoyFilter", spec);
  if (!use) return attached(key, ineffective);
  const { patches = new Set<string>(), remarks } = use;
  const said = [...(remarks?.get(key) ?? [])];
  const dead = new Set(ineffective.flatMap((text) => WHOLE_PATCH.exec(text)?.[1] ?? []));
  const paths = [...(spec.configPatches ?? []).keys()].map((i) => `spec.configPatches[${i}]`);
  const isApplied = (path: string): boolean => patches.has(`${key} ${path}`);
  const unmatched = paths
    .filter(
      (path, i) =>
        !dead.has(String(i)) &&
        !isApplied(path) &&
        !said.some((text) => text.startsWith(`${path}:`) || text.startsWith(`${path}.`)),
    )
    .map((path) =>
      isOfBootstrap(spec, path)
        ? `${path}: no proxy that is connected was started with it; agents ask for it when they start a proxy and have BOOTSTRAP_XDS_AGENT: "true" in proxyMetadata`
        : `${path}: no proxy that is connected has what it matches, or it changes nothing there`,
    );
  if (paths.some(isApplied)) return attached(key, [...ineffective, ...unmatched]);
  return ignored(
    key,
    "NoProxyAffected",
    ["no proxy that is connected got anything of it", ...ineffective, ...said, ...unmatched].join("; "),
  );
}
