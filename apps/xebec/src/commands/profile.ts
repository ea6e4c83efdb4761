import { readFileSync } from "node:fs";
import { join } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { readYaml, writeYaml } from "@xebec/core-yaml";
import { createTwoFilesPatch } from "diff";
import { installationOf } from "../install/operator.ts";
import { PROFILES, profileOf } from "../install/profiles.ts";
import { readOperator } from "../install/read-operator.ts";
import { isTree, merged, type Tree } from "../install/set-flag.ts";
import { print, table } from "../output.ts";
import { ROOT } from "../paths.ts";

/** `xebec profile list`. */
export async function listProfiles(): Promise<number> {
  print(
    table(
      ["PROFILE", "WHAT IT INSTALLS"],
      Object.entries(PROFILES).map(([name, { summary }]) => [name, summary]),
    ),
  );
  return 0;
}

/** `xebec profile dump [NAME]`: all values of all releases of a profile. */
export async function dumpProfile(
  name: string | undefined,
  flags: { readonly filename?: readonly string[]; readonly set?: readonly string[] },
): Promise<number> {
  print(dump(name, flags));
  return 0;
}

/** `xebec profile diff A B`. @returns 1 when they differ */
export async function diffProfiles(a: string, b: string): Promise<number> {
  const [before, after] = [dump(a), dump(b)];
  if (before === after) return 0;
  const patch = createTwoFilesPatch(a, b, before, after, "", "", { context: 2 });
  print(patch.slice(patch.indexOf("--- ")));
  return 1;
}

function dump(name: string | undefined, flags: Parameters<typeof readOperator>[0] = {}): string {
  if (name !== undefined && !profileOf(name))
    throw new XebecError(
      "invalid_argument",
      `there is no profile "${name}"; there are ${Object.keys(PROFILES).join(", ")}`,
    );
  const { releases } = installationOf(merged(name === undefined ? {} : { profile: name }, readOperator(flags)));
  const values = Object.fromEntries(releases.map((each) => [each.name, allValues(each.chart, each.values)]));
  return writeYaml(values);
}

/** The values as the chart sees them: its defaults, its profile, and what is given. */
function allValues(chart: string, given: Tree): Tree {
  const file = (path: string): Tree => {
    const value = readYaml(readFileSync(join(ROOT, "deploy/helm", chart, path), "utf8"));
    return isTree(value) ? value : {};
  };
  const { _internal_defaults_do_not_set: inner, ...outer } = file("values.yaml");
  const profile =
    typeof given.profile === "string" && given.profile !== "default" ? file(`profiles/${given.profile}.yaml`) : {};
  return merged(merged(merged(isTree(inner) ? inner : {}, outer), profile), given);
}
