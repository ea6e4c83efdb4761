/** Fields, and a key that is made of the very object: what is not in the key is not there to be read. */
export type Keyed<T extends object> = T & {
  /** Of all fields: no two different objects have one key, whatever text clients put into their metadata. */
  readonly key: string;
};

export function keyed<T extends object>(fields: T): Keyed<T> {
  return { ...fields, key: JSON.stringify(fields) };
}
