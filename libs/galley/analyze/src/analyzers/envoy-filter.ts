import type { Analyzer } from "../analyzer.ts";
import { fields, items, text } from "../object.ts";

/** Where an operation counts from what is there, which another version, or another filter, may change. */
const RELATIVE = new Set(["INSERT_BEFORE", "INSERT_AFTER", "INSERT_FIRST", "MERGE", "REPLACE"]);
const FILTERS = new Set(["NETWORK_FILTER", "HTTP_FILTER"]);
/** What there is one of, or what must not go alone. */
const NEITHER_ADDED_NOR_REMOVED = new Set(["ROUTE_CONFIGURATION", "HTTP_ROUTE"]);

/** Operations of patches do something, and something definite. */
export const envoyFilterPatches: Analyzer = {
  name: "envoyfilter.EnvoyPatchAnalyzer",
  analyze(world, report) {
    for (const object of world.all("networking.istio.io", "EnvoyFilter"))
      for (const [i, patch] of items(object.spec.configPatches).entries()) {
        const applyTo = text(patch.applyTo);
        const operation = text(fields(patch.patch).operation);
        const path = ["spec", "configPatches", i];
        const ignored = `${operation} has no effect on ${applyTo}`;
        if (operation === "REPLACE" && !FILTERS.has(applyTo))
          report(
            "EnvoyFilterUsesReplaceOperationIncorrectly",
            object,
            `${ignored}, only on HTTP_FILTER and NETWORK_FILTER`,
            path,
          );
        else if (operation === "ADD" && NEITHER_ADDED_NOR_REMOVED.has(applyTo))
          report("EnvoyFilterUsesAddOperationIncorrectly", object, ignored, path);
        else if (operation === "REMOVE" && NEITHER_ADDED_NOR_REMOVED.has(applyTo))
          report("EnvoyFilterUsesRemoveOperationIncorrectly", object, ignored, path);
        else if (RELATIVE.has(operation) && FILTERS.has(applyTo) && !object.spec.priority) {
          const proxy = fields(fields(patch.match).proxy);
          const hasVersion = text(proxy.proxyVersion) !== "";
          report(
            hasVersion ? "EnvoyFilterUsesRelativeOperationWithProxyVersion" : "EnvoyFilterUsesRelativeOperation",
            object,
            `${operation} depends on what is there before${hasVersion ? ", and on the version of the proxy" : ""}: set priority, or use INSERT_FIRST or ADD`,
            path,
          );
        }
      }
  },
};
