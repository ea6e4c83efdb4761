// What a patched resource, or part of one, was before patches changed it: for a proxy that rejects it and has nothing else to go by.

const makers = new WeakMap<object, () => object>();
const made = new WeakMap<object, object>();
const bare = new WeakSet<object>();

/** Notes how a patched object is made without patches. */
export function noteUnpatched<T extends object>(patched: T, make: () => T): void {
  makers.set(patched, make);
}

/** True when patches have changed an object. */
export function isPatched(object: object): boolean {
  return makers.has(object);
}

/** The object without patches, the same at each call; undefined for one that no patch has changed. */
export function unpatched<T extends object>(patched: T): T | undefined {
  const make = makers.get(patched);
  if (!make) return undefined;
  let object = made.get(patched);
  if (!object) {
    object = make();
    made.set(patched, object);
    bare.add(object);
  }
  return object as T;
}

/** True for what `unpatched` gave. */
export function isUnpatched(object: object): boolean {
  return bare.has(object);
}
