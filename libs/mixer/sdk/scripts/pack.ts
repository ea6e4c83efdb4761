// Makes the package that is published: JavaScript with types, for adapters outside of this repository.
// `node scripts/pack.ts [DIR]` writes the tarball into DIR (the current folder) and prints its path.
import { execFileSync } from "node:child_process";
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { build } from "esbuild";

const SDK = resolve(import.meta.dirname, "..");
const LIBS = resolve(SDK, "../..");
const ROOT = resolve(LIBS, "..");
/** What users install; everything else is inside. */
const OUTSIDE = ["typebox"];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** What the package has besides the SDK's own entries: serving an adapter, whose other side Mixer's services have. */
const SERVE = join(LIBS, "mixer/serve/src/serve.ts");

const manifest = JSON.parse(readFileSync(join(SDK, "package.json"), "utf8")) as Manifest;
const packages = globSync(["core/*/package.json", "model/*/package.json", "mixer/sdk/package.json"], { cwd: LIBS }).map(
  (path) => ({
    name: (JSON.parse(readFileSync(join(LIBS, path), "utf8")) as Manifest).name,
    root: dirname(path),
  }),
);
const out = resolve(process.argv[2] ?? ".");
const folder = mkdtempSync(join(tmpdir(), "xebec-sdk-"));
try {
  mkdirSync(out, { recursive: true });
  await bundle();
  declarations();
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(published(), null, 2)}\n`);
  copyFileSync(join(SDK, "README.md"), join(folder, "README.md"));
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  const [tarball] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--pack-destination", out], { cwd: folder, encoding: "utf8" }),
  ) as { readonly filename: string }[];
  process.stdout.write(`${join(out, tarball?.filename ?? "")}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bundle(): Promise<void> {
  await build({
    entryPoints: [...Object.values(manifest.exports).map((path) => join(SDK, path)), SERVE].map((path) => ({
      in: path,
      out: basename(path, ".ts"),
    })),
    outdir: join(folder, "dist"),
    // Packages of CommonJS call `require` for Node's own modules.
    banner: {
      js: 'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url);',
    },
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node24",
    format: "esm",
    external: OUTSIDE.flatMap((name) => [name, `${name}/*`]),
    logLevel: "warning",
    absWorkingDir: ROOT,
  });
}

/** The declarations of all packages that the SDK is made of, which import each other by their paths. */
function declarations(): void {
  const types = join(folder, "types");
  const config = join(ROOT, `.tools/sdk-types-${process.pid}.json`);
  mkdirSync(dirname(config), { recursive: true });
  writeFileSync(
    config,
    JSON.stringify({
      extends: "../tsconfig.base.json",
      compilerOptions: {
        ...{ noEmit: false, declaration: true, emitDeclarationOnly: true },
        ...{ rootDir: LIBS, outDir: types },
        // Packages of the repository are sources; found by node_modules they would be foreign, and left out.
        paths: Object.fromEntries(packages.map(({ name, root }) => [name, [join(LIBS, root, "src/index.ts")]])),
      },
      files: [...Object.values(manifest.exports).map((path) => join(SDK, path)), SERVE],
    }),
  );
  try {
    execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", config], {
      cwd: ROOT,
      stdio: ["ignore", "inherit", "inherit"],
    });
  } finally {
    rmSync(config, { force: true });
  }
  for (const path of globSync("**/*.d.ts", { cwd: types })) {
    // Of what serves, authors see the function and its options.
    if (/^(?:platform|mixer(?!\/sdk\/))\b/.test(path) && !/\/serve(?:-options)?\.d\.ts$/.test(path)) {
      rmSync(join(types, path));
      continue;
    }
    const file = join(types, path);
    const text = readFileSync(file, "utf8").replace(/(from |import\()"([^"]+)"/g, (_, head: string, name: string) => {
      return `${head}"${declarationOf(name, path)}"`;
    });
    writeFileSync(file, text);
  }
}

/** @param from path of the importing declaration, from the folder of all on */
function declarationOf(specifier: string, from: string): string {
  if (specifier.startsWith(".")) return specifier.replace(/\.ts$/, ".js");
  const [, name] = /^@xebec\/([\w-]+)$/.exec(specifier) ?? [];
  if (name === undefined) return specifier;
  const target = packages.find((each) => each.name === specifier);
  if (target === undefined) throw new Error(`there is no package ${specifier}`);
  const path = relative(dirname(from), join(target.root, "src/index.js"));
  return path.startsWith(".") ? path : `./${path}`;
}

function published(): object {
  const { name, version, license, exports, dependencies } = manifest;
  const stem = (path: string): string => path.replace(/^\.\/src\//, "").replace(/\.ts$/, "");
  return {
    name,
    version,
    description: "Write adapters for Xebec's Mixer",
    license,
    type: "module",
    engines: { node: ">=24" },
    files: ["dist", "types"],
    exports: {
      ...Object.fromEntries(
        Object.entries(exports).map(([key, path]) => [
          key,
          { types: `./types/mixer/sdk/src/${stem(path)}.d.ts`, default: `./dist/${stem(path)}.js` },
        ]),
      ),
      "./serve": { types: "./types/mixer/serve/src/serve.d.ts", default: "./dist/serve.js" },
    },
    dependencies: Object.fromEntries(OUTSIDE.map((each) => [each, dependencies[each]])),
  };
}
