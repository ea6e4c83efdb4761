// Gives every package the Nx targets that its files call for.
import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";

export const createNodesV2 = [
  "{libs,apps,deploy}/**/package.json",
  (files: readonly string[], _options: unknown, context: { workspaceRoot: string }) =>
    files.map((file) => {
      const root = dirname(file);
      const at = join(context.workspaceRoot, root);
      const targets = {
        ...(globSync("src/**/*.test.ts", { cwd: at }).length > 0 ? { test: {} } : {}),
        ...(existsSync(join(at, "scripts/generate.ts")) ? { generate: {} } : {}),
      };
      return [file, { projects: { [root]: { root, targets } } }];
    }),
];
