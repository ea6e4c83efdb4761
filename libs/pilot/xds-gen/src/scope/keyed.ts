/** An object whose key is made from the object itself: no field can be read that is not part of the key. */
export type Keyed<T extends object> = T & {
  /** JSON of all fields: different objects have different keys, whatever clients put into their metadata. */
  readonly key: string;
};

export function keyed<T extends object>(fields: T): Keyed<T> {
  return { ...fields, key: JSON.stringify(fields) };
}
