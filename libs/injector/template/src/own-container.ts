import { XebecError } from "@xebec/core-errors";

/** Where Istio keeps what a user wrote for containers of the sidecar, so that a further injection finds it again. */
export const OVERRIDES = "proxy.istio.io/overrides";

type Named = { readonly name: string };
type Fields = Readonly<Record<string, unknown>>;

/** By which field Kubernetes tells the items of a list apart. */
const ITEM_KEYS: Readonly<Record<string, string>> = {
  env: "name",
  ports: "containerPort",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
};

/** What users wrote, by list (`containers`, `initContainers`). */
export type Overrides = Readonly<Record<string, readonly Named[]>>;

/** @throws XebecError invalid_argument */
export function readOverrides(text: string | undefined): Overrides {
  if (!text) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isMap(value))
      return Object.fromEntries(
        Object.entries(value).map(([list, items]) => [list, Array.isArray(items) ? items.filter(isNamed) : []]),
      );
  } catch {
    // Told below: a text that is not a map is as little good.
  }
  throw new XebecError("invalid_argument", `annotation ${OVERRIDES}: is not a map in JSON; remove it`);
}

/**
 * Lays a user's container over the template's of the same name, as Kubernetes merges: maps by field, lists by the key of their
 * items, all else is the user's. The image `auto` means the template's.
 */
export function mergeContainer(template: Named, user: Named): Named {
  const { image, ...rest } = user as Named & { image?: unknown };
  return merge(template, image === undefined || image === "auto" ? rest : { ...rest, image }) as unknown as Named;
}

function merge(base: unknown, over: unknown, field = ""): unknown {
  if (over === null || over === undefined) return base;
  if (isMap(base) && isMap(over))
    return {
      ...base,
      ...Object.fromEntries(Object.entries(over).map(([key, value]) => [key, merge(base[key], value, key)])),
    };
  const key = ITEM_KEYS[field];
  if (!key || !Array.isArray(base) || !Array.isArray(over)) return over;
  const known = base.map((item: unknown) => {
    const own = over.find((each: unknown) => isMap(each) && isMap(item) && each[key] === item[key]) as unknown;
    // A value and where it would come from exclude each other: the user's item stands as it is.
    return own ?? item;
  });
  return [...known, ...over.filter((each: unknown) => !known.includes(each))];
}

function isMap(value: unknown): value is Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isNamed(value: unknown): value is Named {
  return isMap(value) && typeof value.name === "string";
}
