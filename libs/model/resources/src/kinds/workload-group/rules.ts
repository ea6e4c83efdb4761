import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import type { WorkloadGroupSpec } from "./schema.ts";

const PROBES = ["httpGet", "tcpSocket", "exec", "grpc"] as const;

/** Semantic rules of a WorkloadGroup (docs/reference/platform.md §3.11). What workloads fill in is not looked at. */
export function checkWorkloadGroup({ metadata, template, probe }: WorkloadGroupSpec, check: Checker): void {
  check.labels(metadata?.labels, ["spec", "metadata", "labels"]);
  check.labels(template.labels, ["spec", "template", "labels"]);
  if (!probe) return;
  const path: Path = ["spec", "probe"];
  const [first, second] = PROBES.filter((each) => probe[each]);
  if (first === undefined) check.fail(path, `one of ${PROBES.join(", ")} is needed`);
  else if (second !== undefined) check.fail([...path, second], `cannot be together with ${first}`);
  const scheme = probe.httpGet?.scheme;
  if (scheme && !["http", "https"].includes(scheme.toLowerCase()))
    check.fail([...path, "httpGet", "scheme"], `must be HTTP or HTTPS, not ${scheme}`);
  for (const [i, { name }] of (probe.httpGet?.httpHeaders ?? []).entries())
    if (!name) check.fail([...path, "httpGet", "httpHeaders", i, "name"], "is required");
  if (probe.exec && probe.exec.command.length === 0) check.fail([...path, "exec", "command"], "must not be empty");
}
