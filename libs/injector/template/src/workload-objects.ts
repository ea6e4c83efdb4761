import { XebecError } from "@xebec/core-errors";
import type { InjectContext } from "./context.ts";
import { INJECT } from "./decide.ts";
import { at, type Fields, isFields } from "./fields.ts";
import { injectionPatch } from "./inject.ts";
import { applyPatch } from "./json-patch.ts";
import { type Pod, type Workload, workloadOf } from "./pod.ts";

/** Where objects have the template of their pods. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  DeploymentConfig: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};
const OFF = new Set(["false", "no", "n", "off"]);

export interface InjectedObject {
  readonly object: Fields;
  /** Why its pods get no proxy, for people; absent when they do, or when it has no pods. */
  readonly notice?: string;
}

/**
 * Gives the pods of an object their sidecar, as the webhook would: the result is the webhook's own patch, applied. The policy and the
 * namespace do not matter, since somebody asks for it (docs/reference/platform.md §4.7). Objects without pods come back as they are.
 * @param namespace of objects that name none
 * @throws XebecError invalid_argument with the object's name
 */
export function injectObject(object: Fields, context: InjectContext, namespace = "default"): InjectedObject {
  const kind = String(object.kind);
  if (kind === "List" && Array.isArray(object.items)) {
    const items = object.items.map((each) => injectObject(each as Fields, context, namespace));
    const notices = items.flatMap(({ notice }) => notice ?? []);
    const list = { ...object, items: items.map((each) => each.object) };
    return { object: list, ...(notices.length > 0 ? { notice: notices.join("\n") } : {}) };
  }
  const path = Object.hasOwn(TEMPLATES, kind) ? TEMPLATES[kind] : undefined;
  const pod = path && at(object, ...path);
  if (!path || !isFields(pod)) return { object };
  const name = `${kind} ${String(at(object, "metadata", "name") ?? at(object, "metadata", "generateName") ?? "(unnamed)")}`;
  const skipped = skipReason(pod as Pod);
  if (skipped) return { object, notice: `${name} gets no proxy: ${skipped}` };
  const own = at(object, "metadata", "namespace");
  try {
    const injected = {
      pod: pod as Pod,
      namespace: typeof own === "string" && own ? own : namespace,
      workload: workloadOfObject(object, kind),
    };
    return { object: put(object, path, applyPatch(pod, injectionPatch(injected, context))) };
  } catch (error) {
    throw new XebecError("invalid_argument", `${name}: ${(error as Error).message}`, { cause: error });
  }
}

function skipReason({ metadata, spec }: Pod): string | undefined {
  if (spec?.hostNetwork) return "its pods use the host's network";
  const said = metadata?.labels?.[INJECT] ?? metadata?.annotations?.[INJECT] ?? "";
  return OFF.has(said.toLowerCase()) ? `${INJECT} is ${said}` : undefined;
}

/** What the pods of an object know themselves by. */
function workloadOfObject(object: Fields, kind: string): Workload {
  if (kind === "Pod") return workloadOf(object as Pod);
  const owner = {
    ...{ apiVersion: String(object.apiVersion ?? "apps/v1"), kind, controller: true },
    name: String(at(object, "metadata", "name") ?? ""),
  };
  return kind === "ReplicaSet" ? workloadOf({ metadata: { ownerReferences: [owner] } }) : owner;
}

function put(object: Fields, [key, ...rest]: readonly string[], value: Fields): Fields {
  return key === undefined ? value : { ...object, [key]: put(object[key] as Fields, rest, value) };
}
