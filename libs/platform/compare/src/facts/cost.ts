import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { FactChart, FactTable } from "../results.ts";
import { bundleOf } from "./bundle.ts";

const SERVICES = ["galley", "pilot", "citadel", "sidecar-injector", "mixer-policy", "mixer-telemetry"];
const MONOLITH = "istiod";
const MIB = 2 ** 20;

interface Package {
  readonly name: string;
  readonly folder: string;
  readonly dependencies: readonly string[];
}

/** What a program, or several together, are made of. */
interface Cost {
  readonly name: string;
  readonly packages: ReadonlySet<Package>;
  readonly libraries: ReadonlySet<string>;
  readonly bytes: number;
  readonly startBytes: number;
}

/**
 * What each program is made of: lines of code of the packages that it uses, tests left out, libraries, the size of its bundle and of
 * the part that is loaded at its start. Of programs that are not bundled, lines alone.
 * @param root the folder of the sources
 */
export function costTable(root: string): FactTable {
  const packages = packagesOf(root);
  const lines = new Map<string, number>();
  const services = SERVICES.map((name) => costOf(root, name, packages));
  const all = [...services, together("the six together", services), costOf(root, MONOLITH, packages)];
  const count = ({ packages: own }: Cost): number => [...own].reduce((sum, each) => sum + linesOf(each, lines), 0);
  const mib = (bytes: number): string => (bytes === 0 ? "not bundled" : (bytes / MIB).toFixed(1));
  const node = Math.round(statSync(process.execPath).size / MIB);
  const bars = (title: string, unit: string, value: (each: Cost) => number): FactChart => ({
    ...{ title, unit },
    bars: all.map((each) => ({ label: each.name, value: Math.round(value(each) * 100) / 100 })),
  });
  return {
    question: "What has to be kept, built and loaded?",
    title: "What each program is made of",
    about:
      "Packages of this repository that a program uses, their lines without tests and generated code, packages of others in its bundle, the " +
      "bundle, and the part of it that is loaded before the program does anything. Of the six together lines and packages count once, since they share " +
      `most of them; bundles add up. An image is one layer with Node (${node} MiB), which all images share, and the bundle: images grow by the fourth column. ` +
      "The six need the server of the bus besides; the monolith has one, too, on a laptop.",
    columns: ["program", "packages", "lines", "libraries", "bundle, MiB", "loaded at the start, MiB"],
    rows: all.map((each) => [
      each.name,
      each.packages.size,
      count(each),
      each.libraries.size,
      mib(each.bytes),
      mib(each.startBytes),
    ]),
    charts: [
      bars("Lines of code", "lines", count),
      ...(all.some(({ bytes }) => bytes > 0)
        ? [bars("Code that is loaded at the start", "MiB", ({ startBytes }) => startBytes / MIB)]
        : []),
    ],
  };
}

function costOf(root: string, name: string, packages: ReadonlyMap<string, Package>): Cost {
  const own = packages.get(`@xebec/${name}`);
  const { bytes = 0, startBytes = 0, libraries = new Set<string>() } = bundleOf(join(root, "apps", name)) ?? {};
  return { name, packages: new Set(own ? closure(own, packages) : []), ...{ libraries, bytes, startBytes } };
}

function together(name: string, parts: readonly Cost[]): Cost {
  return {
    name,
    packages: new Set(parts.flatMap((each) => [...each.packages])),
    libraries: new Set(parts.flatMap((each) => [...each.libraries])),
    bytes: parts.reduce((sum, each) => sum + each.bytes, 0),
    startBytes: parts.reduce((sum, each) => sum + each.startBytes, 0),
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
