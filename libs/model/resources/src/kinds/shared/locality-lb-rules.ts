import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import type { LocalityLbSetting } from "./locality-lb-setting.ts";

/** Labels of a place, which `failover` decides about, too. */
const PLACES = new Set(["topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"]);

/** Rules of locality load balancing, as Istio's webhook has them (docs/reference/pilot.md §3.2). */
export function checkLocalityLb(
  setting: LocalityLbSetting | undefined,
  path: Path,
  check: Checker,
  { hasOutlierDetection }: { readonly hasOutlierDetection: boolean },
): void {
  if (!setting) return;
  const { distribute = [], failover = [], failoverPriority = [] } = setting;
  if (distribute.length > 0 && failover.length > 0)
    check.fail([...path, "failover"], "cannot be together with distribute");
  if (failover.length > 0)
    for (const [i, label] of failoverPriority.entries())
      if (PLACES.has(label.split("=")[0] as string))
        check.fail([...path, "failoverPriority", i], `${label} cannot be together with failover`);
  if (!hasOutlierDetection && failover.length + failoverPriority.length > 0)
    check.warn(path, "failover needs outlierDetection, by which endpoints are found unhealthy");
  checkLocalities(
    distribute.map(({ from = "" }) => from),
    [...path, "distribute"],
    "from",
    check,
  );
  for (const [i, { to = {} }] of distribute.entries()) {
    const at = [...path, "distribute", i, "to"];
    checkLocalities(Object.keys(to), at, undefined, check);
    for (const [locality, weight] of Object.entries(to))
      if (weight < 1 || weight > 100) check.fail([...at, locality], `must be from 1 to 100, not ${weight}`);
    const total = Object.values(to).reduce((sum, each) => sum + each, 0);
    if (total !== 100) check.fail(at, `the weights must be 100 together, not ${total}`);
  }
  for (const [i, { from = "", to = "" }] of failover.entries()) {
    const at = [...path, "failover", i];
    if (from === to) check.fail(at, "from and to must be different regions");
    for (const [field, region] of Object.entries({ from, to }))
      if (region === "" || /[/*]/.test(region)) check.fail([...at, field], `"${region}" is not a region`);
  }
}

/** Localities that do not overlap. @param field of each; undefined where they are keys of a map */
function checkLocalities(list: readonly string[], path: Path, field: string | undefined, check: Checker): void {
  for (const [i, locality] of list.entries()) {
    const at = field === undefined ? [...path, locality] : [...path, i, field];
    const parts = locality.split("/");
    const star = locality.indexOf("*");
    if ((star >= 0 && star !== locality.length - 1) || parts.length > 3 || parts.some((part) => part === ""))
      check.fail(
        at,
        `"${locality}" is not a locality; write REGION, REGION/ZONE or REGION/ZONE/SUBZONE, with * at the end alone`,
      );
    else {
      const other = list.slice(0, i).find((each) => covers(each, locality) || covers(locality, each));
      if (other !== undefined) check.fail(at, `"${locality}" overlaps with "${other}"`);
    }
  }
}

/** True when a locality lies in another one; what is not given is anything. */
function covers(wide: string, narrow: string): boolean {
  const own = narrow.split("/");
  return wide.split("/").every((part, i) => part === "*" || part === own[i]);
}
