import { type Fields, isFields } from "./fields.ts";

/** By which field Kubernetes tells the items of a list apart; all other lists are replaced whole. */
const ITEM_KEYS: ReadonlyMap<string, string> = new Map([
  ["containers", "name"],
  ["initContainers", "name"],
  ["ephemeralContainers", "name"],
  ["volumes", "name"],
  ["imagePullSecrets", "name"],
  ["env", "name"],
  ["ports", "containerPort"],
  ["volumeMounts", "mountPath"],
  ["volumeDevices", "devicePath"],
  ["hostAliases", "ip"],
  ["topologySpreadConstraints", "topologyKey"],
]);
const DIRECTIVE = "$patch";

/**
 * Lays a part of a pod over another, as Kubernetes' strategic merge patch does: maps by field, some lists by the key of their items,
 * all else replaces. `null` takes a field away, and `$patch: delete` or `replace` an item or its former content.
 */
export function strategicMerge(base: unknown, over: unknown, field = ""): unknown {
  if (isFields(over)) {
    if (!isFields(base) || over[DIRECTIVE] === "replace") return withoutDirectives(over);
    return mergeMaps(base, over);
  }
  const key = ITEM_KEYS.get(field);
  if (!key || !Array.isArray(over)) return over;
  return mergeLists(Array.isArray(base) ? base : [], over, key);
}

function mergeMaps(base: Fields, over: Fields): Fields {
  const result: Record<string, unknown> = { ...base };
  for (const key in over) {
    if (key === "__proto__" || key === DIRECTIVE) continue;
    const value = over[key];
    if (value === null) delete result[key];
    else result[key] = strategicMerge(result[key], value, key);
  }
  // Where a value comes from excludes the value, and the other way round.
  if ("valueFrom" in over && over.valueFrom !== null && !("value" in over)) delete result.value;
  else if (typeof over.value === "string" && "valueFrom" in base && !("valueFrom" in over)) delete result.valueFrom;
  return result;
}

function mergeLists(base: readonly unknown[], over: readonly unknown[], key: string): unknown[] {
  const result = [...base];
  for (const item of over) {
    if (!isFields(item)) continue;
    const index = result.findIndex((each) => isFields(each) && each[key] === item[key]);
    if (item[DIRECTIVE] === "delete") {
      if (index >= 0) result.splice(index, 1);
    } else if (index < 0) result.push(withoutDirectives(item));
    else result[index] = strategicMerge(result[index], item);
  }
  return result;
}

/** What is not there yet needs no merging; only nulls and directives have to go. */
function withoutDirectives(value: Fields): Fields {
  for (const key in value)
    if (key === DIRECTIVE || value[key] === null || typeof value[key] === "object") return cleaned(value) as Fields;
  return value;
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((each) => !isFields(each) || each[DIRECTIVE] !== "delete").map(cleaned);
  if (!isFields(value)) return value;
  const result: Record<string, unknown> = {};
  for (const key in value)
    if (key !== DIRECTIVE && key !== "__proto__" && value[key] !== null) result[key] = cleaned(value[key]);
  return result;
}
