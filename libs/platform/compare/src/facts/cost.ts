import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { FactTable } from "../results.ts";

const APPS = ["pilot", "citadel", "galley", "sidecar-injector", "mixer-policy", "mixer-telemetry", "istiod"];

interface Package {
  readonly name: string;
  readonly folder: string;
  readonly dependencies: readonly string[];
}

/**
 * What each program is made of: lines of code of the packages that it uses, tests left out, libraries, and the size of its bundle.
 * @param root the folder of the sources
 */
export function costTable(root: string): FactTable {
  const packages = packagesOf(root);
  const lines = new Map<string, number>();
  const rows = APPS.map((app) => {
    const own = packages.get(`@xebec/${app}`);
    const all = own ? closure(own, packages) : [];
    const libraries = new Set(all.flatMap((each) => each.dependencies.filter((name) => !packages.has(name))));
    const count = all.reduce((sum, each) => sum + linesOf(each, lines), 0);
    const bundle = join(root, "apps", app, "dist/main.mjs");
    const size = existsSync(bundle) ? `${(statSync(bundle).size / 2 ** 20).toFixed(1)} MiB` : "not made";
    return [app, all.length, count, libraries.size, size];
  });
  return {
    title: "What each program is made of",
    about:
      "Packages of this repository that it uses, their lines of code without tests and generated code, libraries that they name, and its bundle. " +
      "Most packages are used by several programs: the sum of the services is more than the monolith.",
    columns: ["program", "packages", "lines", "libraries", "bundle"],
    rows,
  };
}

function packagesOf(root: string): ReadonlyMap<string, Package> {
  const files = globSync(["libs/*/*/package.json", "libs/mixer/adapters/*/package.json", "apps/*/package.json"], {
    cwd: root,
  });
  return new Map(
    files.map((file) => {
      const { name, dependencies = {} } = JSON.parse(readFileSync(join(root, file), "utf8")) as {
        name: string;
        dependencies?: Record<string, string>;
      };
      return [name, { name, folder: join(root, file, ".."), dependencies: Object.keys(dependencies) }];
    }),
  );
}

function closure(from: Package, packages: ReadonlyMap<string, Package>): Package[] {
  const found = new Set([from]);
  for (const each of found)
    for (const name of each.dependencies) {
      const next = packages.get(name);
      if (next) found.add(next);
    }
  return [...found];
}

function linesOf({ name, folder }: Package, known: Map<string, number>): number {
  let count = known.get(name);
  if (count === undefined) {
    const files = globSync("src/**/*.ts", { cwd: folder }).filter(
      (file) => !/\.(test|testkit)\.ts$|(^|\/)gen\//.test(file),
    );
    count = files.reduce((sum, file) => sum + readFileSync(join(folder, file), "utf8").split("\n").length - 1, 0);
    known.set(name, count);
  }
  return count;
}
