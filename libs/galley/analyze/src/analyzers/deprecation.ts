import type { Analyzer } from "../analyzer.ts";
import { type AnalyzedObject, fields, items } from "../object.ts";

const LEGACY_KINDS = new Map([
  ["rbac.istio.io", "AuthorizationPolicy"],
  ["authentication.istio.io", "PeerAuthentication and RequestAuthentication"],
  ["config.istio.io", ""],
]);

/** Fields and kinds that today's Istio has replaced. */
export const deprecations: Analyzer = {
  name: "deprecation.DeprecationAnalyzer",
  analyze(world, report) {
    for (const object of world.objects) {
      const instead = LEGACY_KINDS.get(object.group);
      if (instead) report("Deprecated", object, `the kind ${object.kind} is deprecated; use ${instead}`);
    }
    for (const object of world.all("networking.istio.io", "VirtualService"))
      for (const { path, instead } of deprecatedFields(object))
        report("Deprecated", object, `${path.slice(1).join(".")} is deprecated; use ${instead}`, path);
  },
};

function* deprecatedFields({ spec }: AnalyzedObject): Iterable<{ path: (string | number)[]; instead: string }> {
  for (const [i, rule] of items(spec.http).entries()) {
    const at = ["spec", "http", i];
    for (const kind of ["delay", "abort"])
      if (fields(fields(rule.fault)[kind]).percent !== undefined)
        yield { path: [...at, "fault", kind, "percent"], instead: "percentage" };
    if (rule.mirrorPercent !== undefined) yield { path: [...at, "mirrorPercent"], instead: "mirrorPercentage" };
    if (fields(rule.corsPolicy).allowOrigin !== undefined)
      yield { path: [...at, "corsPolicy", "allowOrigin"], instead: "allowOrigins" };
  }
}
