import type { Path, Violation } from "@xebec/model-schema";
import { celError, withoutTextConversion } from "../../rules/cel.ts";
import type { Checker } from "../../rules/checker.ts";
import { isToken } from "../../rules/names.ts";
import { checkCommands } from "../mesh-config/log-format.ts";
import { checkPolicyTargets, ineffectiveTargets } from "../shared/policy-target.ts";
import type { TelemetrySpec } from "./schema.ts";

/** Semantic rules of Telemetry (docs/reference/pilot.md §3.10). */
export function checkTelemetry(spec: TelemetrySpec, check: Checker): void {
  checkPolicyTargets(spec, check);
  for (const [i, { providers, customTags }] of (spec.tracing ?? []).entries()) {
    const path = ["spec", "tracing", i];
    if ((providers?.length ?? 0) > 1) check.warn([...path, "providers"], "only the first one is used");
    for (const [name, tag] of Object.entries(customTags ?? {})) {
      const at = [...path, "customTags", name];
      if (name === "") check.fail(at, "a tag must have a name");
      if (Object.keys(tag).length !== 1) check.fail(at, "needs one of literal, environment, header and formatter");
      if (tag.header && !isToken(tag.header.name))
        check.fail([...at, "header", "name"], `"${tag.header.name}" is not a name of a header`);
      if (tag.formatter) checkCommands(tag.formatter.value, [...at, "formatter", "value"], check);
    }
  }
  checkMetrics(spec, check);
  for (const [i, { filter }] of (spec.accessLogging ?? []).entries())
    if (filter?.expression !== undefined)
      checkCel(filter.expression, ["spec", "accessLogging", i, "filter", "expression"], check);
}

function checkMetrics(spec: TelemetrySpec, check: Checker): void {
  for (const [i, { overrides, reportingInterval }] of (spec.metrics ?? []).entries()) {
    const path = ["spec", "metrics", i];
    check.duration(reportingInterval, [...path, "reportingInterval"]);
    for (const [j, { match, tagOverrides }] of (overrides ?? []).entries()) {
      const at = [...path, "overrides", j];
      if (match?.metric !== undefined && match.customMetric !== undefined)
        check.fail([...at, "match", "customMetric"], "cannot be together with metric");
      for (const [tag, { operation, value }] of Object.entries(tagOverrides ?? {})) {
        const of = [...at, "tagOverrides", tag];
        if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(tag))
          check.fail(of, `"${tag}" is not a name of a label: letters, digits and _`);
        if (operation === "REMOVE") {
          if (value) check.fail([...of, "value"], "must be left out with operation REMOVE");
        } else if (!value) check.fail([...of, "value"], "is required with operation UPSERT");
        else checkTagValue(value, [...of, "value"], check);
      }
    }
  }
}

function checkTagValue(value: string, path: Path, check: Checker): void {
  const expression = withoutTextConversion(value);
  checkCel(expression, path, check);
  // The end of a command in Envoy's formats.
  if (/\)\s*(:\d+)?%/.test(expression))
    check.fail(path, "has a % behind a ), which ends it; write it in another order");
}

function checkCel(expression: string, path: Path, check: Checker): void {
  const error = celError(expression);
  if (error !== undefined) check.fail(path, error);
}

/** What others of the same object switch off. */
export function* ineffectiveInTelemetry(spec: TelemetrySpec): Generator<Violation> {
  yield* ineffectiveTargets(spec);
  for (const [i, { providers }] of (spec.tracing ?? []).entries())
    for (let j = 1; j < (providers?.length ?? 0); j++)
      yield { path: ["spec", "tracing", i, "providers", j], message: "only the first one is used" };
}
