import { XebecError } from "@xebec/core-errors";
import { type Fields, isFields } from "./fields.ts";
import type { Named } from "./pod.ts";
import { strategicMerge } from "./strategic-merge.ts";

/** Where Istio keeps what a user wrote for containers of the sidecar, so that a further injection finds it again. */
export const OVERRIDES = "proxy.istio.io/overrides";

/** What users wrote, by list (`containers`, `initContainers`). */
export type Overrides = Readonly<Record<string, readonly Named[]>>;

/** @throws XebecError invalid_argument */
export function readOverrides(text: string | undefined): Overrides {
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isFields(value))
      return Object.fromEntries(
        Object.entries(value).map(([list, items]) => [list, Array.isArray(items) ? items.filter(isNamed) : []]),
      );
  } catch {
    // The error below is for this, too.
  }
  throw new XebecError("invalid_argument", `annotation ${OVERRIDES}: is not a map in JSON; remove it`);
}

/** Lays a user's container over the template's of the same name. The image `auto` means the template's. */
export function mergeContainer(template: Named, user: Named): Named {
  const { image, ...rest } = user as Named & { image?: unknown };
  return strategicMerge(template, image === undefined || image === "auto" ? rest : { ...rest, image }) as Named;
}

export function isNamed(value: unknown): value is Named {
  return isFields(value) && typeof (value as Fields).name === "string";
}
