import { existsSync } from "node:fs";
import { relative } from "node:path";
import { XebecError } from "@xebec/core-errors";
import { type Condition, controllersOf } from "@xebec/model-resources";
import { readManifests } from "./config-files.ts";
import { callSupervisor } from "./control.ts";
import { kindMatcher } from "./kind-names.ts";
import { meshContext } from "./mesh-context.ts";
import { type ObjectState, objectKeyOf, objectState } from "./object-state.ts";

/** An object of the configuration directory, and what the services say of it. */
export interface UsedObject extends ObjectState {
  /** `networking.istio.io/VirtualService/default/reviews` */
  readonly key: string;
  /** `FILE:LINE` */
  readonly place: string;
  /** Whether pilot makes configuration of its kind. */
  readonly isOfPilot: boolean;
}

/**
 * Finds an object by its kind (also plural and short names), name and namespace.
 * @throws XebecError not_found when there is none; unavailable when no mesh runs here
 */
export async function findObject(kind: string, name: string, namespace: string): Promise<UsedObject> {
  const { configDir, runDir, mesh } = await meshContext();
  if (!mesh) throw new XebecError("unavailable", 'no mesh runs here; start one with "xebec up"');
  const isKind = kindMatcher(kind);
  const files = existsSync(configDir) ? [...readManifests(configDir)] : [];
  for (const [path, text] of files)
    for (const each of text.objects()) {
      const { id } = each;
      if (!isKind(id.kind) || id.name !== name || (id.namespace !== "" && id.namespace !== namespace)) continue;
      const place = `${relative(configDir, path)}:${each.line}`;
      const conditions = await callSupervisor<Condition[]>(runDir, "GET", "/conditions");
      const key = objectKeyOf(id);
      return {
        key,
        place,
        isOfPilot: controllersOf(key).includes("pilot"),
        ...objectState({ ...each, place }, conditions),
      };
    }
  throw new XebecError(
    "not_found",
    `there is no ${kind} "${name}" in namespace ${namespace}; "xebec get ${kind}" lists them`,
  );
}
