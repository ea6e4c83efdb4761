// What esbuild does not do by itself, to keep programs small in memory.
import { existsSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";

const NAMES = builtinModules.filter((name) => !name.startsWith("_")).join("|");

/**
 * Takes Node's own modules as objects instead of importing them. An import reads every property of the module, and so loads what
 * is behind its getters: `node:http` brings a WebSocket and a whole HTTP client, 6 MiB in each process.
 */
export const builtins: Plugin = {
  name: "builtins",
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(node:.*|${NAMES})$`) }, ({ path }) => ({
      path: path.replace(/^node:/, ""),
      namespace: "builtin",
      sideEffects: false,
    }));
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(`node:${path}`)});`,
    }));
  },
};

/** Takes one copy of a package that is installed several times in the same version. */
export function onePerVersion(): Plugin {
  const first = new Map<string, string>();
  return {
    name: "one-per-version",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async ({ path, ...options }) => {
        if (options.pluginData === "resolved") return undefined;
        const found = await build.resolve(path, { ...options, pluginData: "resolved" });
        const at = found.path.lastIndexOf("/node_modules/");
        if (found.errors.length > 0 || at === -1) return found;
        const root = packageRoot(found.path);
        if (root === undefined) return found;
        const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
        const key = `${name}@${version}`;
        const chosen = first.get(key) ?? root;
        first.set(key, chosen);
        return { ...found, path: join(chosen, found.path.slice(root.length)) };
      });
    },
  };
}

/** The folder of the package that a file belongs to. */
function packageRoot(file: string): string | undefined {
  for (let at = dirname(file); at.includes("/node_modules/"); at = dirname(at))
    if (existsSync(join(at, "package.json")) && /\/node_modules\/(@[^/]+\/)?[^/]+$/.test(at)) return at;
  return undefined;
}

/** The repository's own modules do nothing when they are loaded: what a program takes nothing from is left out. */
export const ownModules = (root: string): Plugin => ({
  name: "own-modules",
  setup(build) {
    build.onResolve({ filter: /^(\.|@xebec\/)/ }, async ({ path, ...options }) => {
      if (options.pluginData === "resolved" || options.kind === "entry-point") return undefined;
      const found = await build.resolve(path, { ...options, pluginData: "resolved" });
      const own = found.path.startsWith(join(root, "libs")) && !found.path.includes("/node_modules/");
      return own ? { ...found, sideEffects: false } : found;
    });
  },
});
