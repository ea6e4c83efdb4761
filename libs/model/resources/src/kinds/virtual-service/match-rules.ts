import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import { isLabel, isToken } from "../../rules/names.ts";
import type { HttpMatch } from "./http-match.ts";
import { checkGateways } from "./reference-rules.ts";

/** A match of a rule for HTTP. */
export function checkMatch(match: HttpMatch, path: Path, check: Checker, forMesh: boolean): void {
  check.stringMatch(match.uri, [...path, "uri"], { emptyPrefix: true });
  for (const field of ["scheme", "method", "authority"] as const) check.stringMatch(match[field], [...path, field]);
  for (const field of ["headers", "withoutHeaders", "queryParams"] as const)
    for (const [name, value] of Object.entries(match[field] ?? {})) {
      const at = [...path, field, name];
      if (field !== "queryParams") checkHeaderName(name, at, check, forMesh);
      else if (name === "") check.fail([...path, field], "a name must not be empty");
      // `*` is not a regular expression, but means any value here.
      if (field !== "withoutHeaders" || value.regex !== "*") check.stringMatch(value, at);
    }
  check.labels(match.sourceLabels, [...path, "sourceLabels"]);
  check.withoutWarnings(() => checkGateways(match.gateways, [...path, "gateways"], check));
  if (match.sourceNamespace && !isLabel(match.sourceNamespace))
    check.fail([...path, "sourceNamespace"], `"${match.sourceNamespace}" is not a namespace`);
}

/** A header, a pseudo-header of a request or a response, or at a gateway a claim of a token as Istio writes it. */
function checkHeaderName(name: string, path: Path, check: Checker, forMesh: boolean): void {
  if (/^@request\.auth\.claims(\..|\[.+\]$)/i.test(name)) {
    if (forMesh)
      check.fail(path, "a claim of a token can be matched at a gateway only; name one in gateways, without mesh");
  } else if (!isToken(name) && !/^:(method|scheme|authority|path|status)$/.test(name))
    check.fail(path, `"${name}" is not a name of a header`);
}
