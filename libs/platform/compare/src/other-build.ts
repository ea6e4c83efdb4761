import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { SERVICES } from "@xebec/platform-local";

/**
 * Another build of the same sources: a copy of the bundles, of which nothing is compiled yet.
 * @param root the folder of the sources
 * @param folder of the copy; made once
 * @returns its folder; the sources themselves where there are no bundles
 */
export function otherBuild(root: string, folder: string): string {
  const dist = (base: string, app: string): string => join(base, "apps", app, "dist");
  const apps = [...SERVICES, "istiod"];
  if (!apps.every((app) => existsSync(dist(root, app)))) return root;
  for (const app of apps)
    if (!existsSync(dist(folder, app))) cpSync(dist(root, app), dist(folder, app), { recursive: true });
  return folder;
}
